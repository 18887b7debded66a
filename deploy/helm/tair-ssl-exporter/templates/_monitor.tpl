{{- /* What a ServiceMonitor and a PodMonitor have in common; the values of serviceMonitor are for both. */}}
{{- define "tair-ssl-exporter.monitor" -}}
selector:
  matchLabels:
    {{- include "tair-ssl-exporter.selectorLabels" . | nindent 4 }}
{{- with .Values.serviceMonitor.sampleLimit }}
sampleLimit: {{ . }}
{{- end }}
{{- end }}

{{- define "tair-ssl-exporter.endpoint" -}}
{{- with .Values.serviceMonitor -}}
- port: metrics
  path: /metrics
  {{- if $.Values.webConfig.tls }}
  scheme: https
  {{- end }}
  interval: {{ .interval }}
  scrapeTimeout: {{ .scrapeTimeout }}
  # Custom labels of instances keep their names.
  honorLabels: true
  relabelings:
    # The job of the rules and of the runbooks.
    - action: replace # written out: a second manager that applies it on the server's side sees no change
      targetLabel: job
      replacement: {{ .job }}
    {{- with .relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .basicAuth }}
  basicAuth:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .tlsConfig }}
  tlsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
