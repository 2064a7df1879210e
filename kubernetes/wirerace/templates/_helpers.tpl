{{- /* The ports of all transports' servers, by name: those that the stack's Prometheus scrapes. */}}
{{- define "wirerace.ports" -}}
{{- range (.Files.Get "prometheus/prometheus.yml" | fromYaml).scrape_configs }}
{{- if eq .job_name "server" }}
{{- range .static_configs }}
{{ .labels.transport }}: {{ index .targets 0 | splitList ":" | last }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The servers that there are, as a list of names. */}}
{{- define "wirerace.servers" -}}
{{- $all := include "wirerace.ports" . | fromYaml | keys | sortAlpha }}
{{- range .Values.transports }}
{{- if not (has . $all) }}
{{- fail (printf "transports: %s is none of %s" . (join ", " $all)) }}
{{- end }}
{{- end }}
{{- .Values.transports | default $all | toYaml }}
{{- end }}

{{- /* This and the next three take (list . COMPONENT). These labels find a component's pods. */}}
{{- define "wirerace.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: wirerace
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "wirerace.metadata" -}}
{{- $root := index . 0 -}}
name: {{ $root.Release.Name }}-{{ index . 1 }}
labels:
  {{- include "wirerace.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: wirerace-{{ $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* A Deployment down to its selector. A part that is made again must not meet the old one. */}}
{{- define "wirerace.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "wirerace.metadata" . | nindent 2 }}
spec:
  strategy: { type: Recreate }
  revisionHistoryLimit: 0
  selector:
    matchLabels:
      {{- include "wirerace.selector" . | nindent 6 }}
{{- end }}

{{- /* A Service down to its selector. Where a part is killed and started again, clients meet its port, and not the delay of a list of ready pods. */}}
{{- define "wirerace.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "wirerace.metadata" . | nindent 2 }}
spec:
  publishNotReadyAddresses: true
  selector:
    {{- include "wirerace.selector" . | nindent 4 }}
{{- end }}

{{- /* Annotations of a pod that has /metrics at a port, from (list . port); and of what it reads when it starts, so that an upgrade starts it again. */}}
{{- define "wirerace.annotations" -}}
{{- $root := index . 0 -}}
wirerace/settings: {{ list $root.Values.controlToken $root.Values.tls | toJson | sha256sum }}
{{- if $root.Values.prometheus.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ index . 1 | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end }}

{{- /* What all pods have in common. Variables of Services would have the names of our options: WIRERACE_POLLING_PORT. */}}
{{- define "wirerace.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 10
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* What all containers have in common, from (list . image resources). */}}
{{- define "wirerace.container" -}}
{{- $root := index . 0 -}}
image: {{ index $root.Values.images (index . 1) | quote }}
imagePullPolicy: {{ $root.Values.images.pullPolicy }}
resources:
  {{- index . 2 | toYaml | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- /* The only probe, from a port: a readiness or liveness probe would take CPU time of what is measured. */}}
{{- define "wirerace.health" -}}
startupProbe:
  httpGet: { path: /health, port: {{ . }} }
  periodSeconds: 1
  failureThreshold: 60
{{- end }}

{{- define "wirerace.listens" -}}
startupProbe:
  tcpSocket: { port: {{ . }} }
  periodSeconds: 1
  failureThreshold: 60
{{- end }}

{{- define "wirerace.token" -}}
- name: WIRERACE_CONTROL_TOKEN
  valueFrom:
    secretKeyRef: { name: {{ .Release.Name }}-control-token, key: token }
{{- end }}

{{- /* Where a pod runs, from (dict "root" . "place" VALUES "beside" true): beside the producer, or rather "apart" from it. */}}
{{- define "wirerace.placement" -}}
{{- $producer := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "wirerace.selector" (list .root "producer") | fromYaml)) }}
{{- $affinity := deepCopy .place.affinity }}
{{- if .beside }}
{{- $pods := $affinity.podAffinity | default dict }}
{{- $_ := set $pods "requiredDuringSchedulingIgnoredDuringExecution" (append ($pods.requiredDuringSchedulingIgnoredDuringExecution | default list) $producer) }}
{{- $_ := set $affinity "podAffinity" $pods }}
{{- end }}
{{- if .apart }}
{{- $pods := $affinity.podAntiAffinity | default dict }}
{{- $term := dict "weight" 100 "podAffinityTerm" $producer }}
{{- $_ := set $pods "preferredDuringSchedulingIgnoredDuringExecution" (append ($pods.preferredDuringSchedulingIgnoredDuringExecution | default list) $term) }}
{{- $_ := set $affinity "podAntiAffinity" $pods }}
{{- end }}
{{- with .place.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .place.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
