{{- define "tair-ssl-exporter.podLabels" -}}
{{ include "tair-ssl-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ include "tair-ssl-exporter.version" . }}
{{- if .Values.rrsa.enabled }}
# Read by ack-pod-identity-webhook 0.2.0 and later; with an older one the namespace needs this label.
# https://www.alibabacloud.com/help/en/container-service-for-kubernetes/latest/ack-pod-identity-webhook
pod-identity.alibabacloud.com/injection: "on"
{{- end }}
{{- end }}

{{- define "tair-ssl-exporter.podAnnotations" -}}
{{- if and (include "tair-ssl-exporter.makesConfig" .) (not .Values.reloader.enabled) -}}
checksum/config: {{ toYaml .Values.config | sha256sum }}
{{- end }}
{{- end }}

{{- /* The pod template, the same for the Deployment and the StatefulSet. */}}
{{- define "tair-ssl-exporter.pod" -}}
{{- $sharded := gt (int .Values.shards) 1 }}
{{- $ownEnv := dict }}
{{- range .Values.env }}{{ $_ := set $ownEnv .name true }}{{ end -}}
metadata:
  labels:
    {{- include "tair-ssl-exporter.podLabels" . | nindent 4 }}
    {{- with include "tair-ssl-exporter.commonLabels" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := include "tair-ssl-exporter.podAnnotations" . }}
  {{- if or $annotations .Values.podAnnotations }}
  annotations:
    {{- with $annotations }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "tair-ssl-exporter.serviceAccountName" . }}
  # Nothing here asks the API server. The token of RRSA is a volume of its own, which the webhook adds.
  automountServiceAccountToken: false
  # A Service of this name would put variables into the pod that begin with TAIR_SSL_EXPORTER_, the prefix of the flags.
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml (default dict .Values.podSecurityContext) | nindent 4 }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "tair-ssl-exporter.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- if .Values.demo }}
        - --demo
        {{- else }}
        - --config.file=/etc/tair-ssl-exporter/tair-ssl-exporter.yml
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - --web.config.file=/etc/tair-ssl-exporter-web/{{ .Values.webConfig.key }}
        {{- end }}
        {{- if .Values.reloader.enabled }}
        - --web.enable-lifecycle
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- $memLimit := include "tair-ssl-exporter.goMemLimit" . }}
      {{- if hasKey $ownEnv "GOMEMLIMIT" }}{{ $memLimit = "" }}{{ end }}
      {{- if or $sharded $memLimit .Values.env }}
      env:
        {{- if $sharded }}
        - name: TAIR_SSL_EXPORTER_SHARD
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
        - name: TAIR_SSL_EXPORTER_TOTAL_SHARDS
          value: {{ .Values.shards | quote }}
        {{- end }}
        {{- with $memLimit }}
        - name: GOMEMLIMIT
          value: {{ . }}
        {{- end }}
        {{- with .Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: metrics
          containerPort: 10219
      {{- if .Values.webConfig.existingSecret }}
      # By the exporter itself: the kubelet knows no password and has no client certificate. Both tell whether it serves;
      # that discovery has not been tried yet is not seen.
      livenessProbe:
        exec:
          command: [/tair_ssl_exporter, --health-check]
        {{- merge dict (default dict .Values.livenessProbe) (dict "periodSeconds" 30) | toYaml | nindent 8 }}
      readinessProbe:
        exec:
          command: [/tair_ssl_exporter, --health-check]
        {{- merge dict (default dict .Values.readinessProbe) (dict "periodSeconds" 30) | toYaml | nindent 8 }}
      {{- else }}
      livenessProbe:
        httpGet:
          path: /-/healthy
          port: metrics
        {{- with .Values.livenessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      readinessProbe:
        httpGet:
          path: /-/ready
          port: metrics
        {{- with .Values.readinessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      resources:
        {{- toYaml (default dict .Values.resources) | nindent 8 }}
      securityContext:
        {{- toYaml (default dict .Values.securityContext) | nindent 8 }}
      {{- $volumes := or (not .Values.demo) .Values.webConfig.existingSecret .Values.existingSecrets }}
      {{- if or $volumes .Values.extraVolumeMounts }}
      volumeMounts:
        {{- if not .Values.demo }}
        - name: config
          mountPath: /etc/tair-ssl-exporter
          readOnly: true
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - name: web-config
          mountPath: /etc/tair-ssl-exporter-web
          readOnly: true
        {{- end }}
        {{- range $i, $name := .Values.existingSecrets }}
        - name: secret-{{ $i }}
          mountPath: /run/secrets/tair/{{ $name }}
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    {{- with .Values.reloader }}
    {{- if .enabled }}
    - name: reloader
      image: {{ include "tair-ssl-exporter.imageOf" (list $ .image) | quote }}
      imagePullPolicy: {{ .image.pullPolicy }}
      args:
        - --watched-dir=/etc/tair-ssl-exporter
        - --reload-url=http://127.0.0.1:10219/-/reload
      resources:
        {{- toYaml (default dict .resources) | nindent 8 }}
      securityContext:
        {{- toYaml (default dict $.Values.securityContext) | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/tair-ssl-exporter
          readOnly: true
    {{- end }}
    {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $volumes .Values.extraVolumes }}
  volumes:
    {{- if not .Values.demo }}
    - name: config
      {{- if and (include "tair-ssl-exporter.makesConfig" .) (eq .Values.configAs "ConfigMap") }}
      configMap:
        name: {{ include "tair-ssl-exporter.fullname" . }}
      {{- else }}
      secret:
        secretName: {{ default (include "tair-ssl-exporter.fullname" .) .Values.existingConfigSecret }}
        defaultMode: 0440
      {{- end }}
    {{- end }}
    {{- with .Values.webConfig.existingSecret }}
    - name: web-config
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- range $i, $name := .Values.existingSecrets }}
    - name: secret-{{ $i }}
      secret:
        secretName: {{ $name }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ toYaml . | nindent 6 | trim }}
      {{- if not .labelSelector }}
      labelSelector:
        matchLabels:
          {{- include "tair-ssl-exporter.selectorLabels" $ | nindent 10 }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
