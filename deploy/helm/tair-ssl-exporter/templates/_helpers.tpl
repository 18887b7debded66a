{{- define "tair-ssl-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimAll "-" }}
{{- end }}

{{- /* The name of a Service is a DNS label: no dots, which a release may have. 52: a StatefulSet's pods carry its name and a
       hash in a label, which has at most 63 characters. */}}
{{- define "tair-ssl-exporter.fullname" -}}
{{- $name := include "tair-ssl-exporter.name" . }}
{{- $release := replace "." "-" .Release.Name }}
{{- $full := contains $name $release | ternary $release (printf "%s-%s" $release $name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimAll "-" }}
{{- end }}

{{- /* toYaml: a release may be called 123, and a label is a string. */}}
{{- define "tair-ssl-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tair-ssl-exporter.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{- /* What the chart sets; commonLabels may not have these keys. */}}
{{- define "tair-ssl-exporter.ownLabels" -}}
{{ include "tair-ssl-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ include "tair-ssl-exporter.version" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "tair-ssl-exporter.commonLabels" -}}
{{- with .Values.commonLabels }}{{ toYaml . }}{{ end }}
{{- end }}

{{- define "tair-ssl-exporter.labels" -}}
{{ include "tair-ssl-exporter.ownLabels" . }}
{{- with include "tair-ssl-exporter.commonLabels" . }}
{{ . }}
{{- end }}
{{- end }}

{{- define "tair-ssl-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- /* The metadata of an object: of (dict "root" $), if needed with name, labels and annotations. The namespace is left to Helm
       unless it is another than that of the release. */}}
{{- define "tair-ssl-exporter.metadata" -}}
name: {{ default (include "tair-ssl-exporter.fullname" .root) .name }}
{{- with .root.Values.namespaceOverride }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "tair-ssl-exporter.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The pod of helm test is none of the exporter's: no selector of theirs may match it. */}}
{{- define "tair-ssl-exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "tair-ssl-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{- /* The name of an image: of (list $ VALUES). */}}
{{- define "tair-ssl-exporter.imageOf" -}}
{{- $root := index . 0 }}
{{- with index . 1 }}
{{- with default .registry (default dict $root.Values.global).imageRegistry }}{{ printf "%s/" . }}{{ end }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $root.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tair-ssl-exporter.image" -}}
{{- include "tair-ssl-exporter.imageOf" (list . .Values.image) }}
{{- end }}

{{- /* What runs, as far as a label can hold it. */}}
{{- define "tair-ssl-exporter.version" -}}
{{- default .Chart.AppVersion .Values.image.tag | trunc 63 | trimAll "-_." | quote }}
{{- end }}

{{- define "tair-ssl-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "tair-ssl-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "tair-ssl-exporter.roleAnnotation" -}}
{{- if and .Values.rrsa.enabled .Values.serviceAccount.create -}}
pod-identity.alibabacloud.com/role-name: {{ .Values.rrsa.roleName | quote }}
{{- end }}
{{- end }}

{{- /* "true" when the chart makes the object with the configuration file. */}}
{{- define "tair-ssl-exporter.makesConfig" -}}
{{- if not (or .Values.demo .Values.existingConfigSecret) }}true{{ end }}
{{- end }}

{{- /* Nine tenths of the memory limit, when that is in Mi or Gi. */}}
{{- define "tair-ssl-exporter.goMemLimit" -}}
{{- $limit := dig "limits" "memory" "" (default dict .Values.resources) | toString }}
{{- if regexMatch "^[0-9]+Mi$" $limit }}
{{- printf "%dMiB" (div (mul 9 (trimSuffix "Mi" $limit | int64)) 10) }}
{{- else if regexMatch "^[0-9]+Gi$" $limit }}
{{- printf "%dMiB" (div (mul 9 1024 (trimSuffix "Gi" $limit | int64)) 10) }}
{{- end }}
{{- end }}

{{- /* The text of a file of the chart, for the value that needs it: of (list $ VALUE PATH). */}}
{{- define "tair-ssl-exporter.file" -}}
{{- $text := (index . 0).Files.Get (index . 2) }}
{{- if not $text }}
{{- printf "\n%s: %s is missing or empty in this chart; make golden writes it" (index . 1) (index . 2) | fail }}
{{- end }}
{{- $text }}
{{- end }}
