"""A Kubernetes cluster, by way of kubectl and helm: a release of the chart, its pods, and what is read inside them."""
