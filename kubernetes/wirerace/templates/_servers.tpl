{{- /* What servers and replicas have in common. */}}
{{- define "wirerace.server.environment" -}}
{{- $broker := .Values.nats.enabled | ternary (printf "nats://%s-nats:4222" .Release.Name) "" }}
- name: WIRERACE_PRODUCER_URL
  value: {{ coalesce .Values.feedUrl $broker (printf "http://%s-producer:8000" .Release.Name) | quote }}
- name: WIRERACE_ALLOWED_ORIGINS
  value: {{ .Values.allowedOrigins | quote }}
- name: WIRERACE_TLS_DIRECTORY
  value: /tls
- name: WIRERACE_TLS_PORT
  value: "8443"
{{- end }}

{{- define "wirerace.server.volumes" -}}
- name: tls
  secret:
    secretName: {{ .Release.Name }}-tls
    defaultMode: 0440
    optional: true
{{- end }}
