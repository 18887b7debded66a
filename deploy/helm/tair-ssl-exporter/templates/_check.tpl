{{- /* What the schema cannot tell, or not in words that help. Everything at once. */}}
{{- define "tair-ssl-exporter.check" -}}
{{- $problems := list }}

{{- if regexMatch "^[0-9]" (include "tair-ssl-exporter.fullname" .) }}
{{- $problems = printf "release %s: the name of a Service begins with a letter; set fullnameOverride" .Release.Name | append $problems }}
{{- end }}

{{- if and (include "tair-ssl-exporter.makesConfig" .) (not .Values.config) }}
{{- $problems = append $problems "config: is missing, and neither demo nor existingConfigSecret is set" }}
{{- end }}

{{- if and (include "tair-ssl-exporter.makesConfig" .) (eq .Values.configAs "ConfigMap") }}
{{- range default dict .Values.config | dig "accounts" list }}
{{- range regexFindAll "(?m)^[- ]*(access_key_secret|security_token|external_id|url):" (dig "credentials" dict . | toYaml) -1 }}
{{- $problems = printf "configAs: ConfigMap: config has a secret (%s); use configAs: Secret, or the path of a file under the key with the ending _file" (trimAll "- :" .) | append $problems }}
{{- end }}
{{- end }}
{{- end }}

{{- if and (gt (int .Values.shards) 1) (gt (int .Values.replicas) 1) }}
{{- $problems = printf "shards, replicas: %d and %d, but each shard has one pod; leave replicas at 1, or shards at 1 for a pair with the same instances" (int .Values.shards) (int .Values.replicas) | append $problems }}
{{- end }}

{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- $problems = append $problems "serviceMonitor, podMonitor: both are enabled, and each pod would be scraped twice; disable one" }}
{{- end }}

{{- if .Values.reloader.enabled }}
{{- if .Values.demo }}
{{- $problems = append $problems "reloader: with demo there is no configuration file to watch; disable one" }}
{{- end }}
{{- if .Values.webConfig.existingSecret }}
{{- $problems = append $problems "reloader: it knows no password and no certificate of webConfig; disable it, and let a changed configuration restart the pods" }}
{{- end }}
{{- end }}

{{- range $name, $hosts := dict "ingress" "hosts" "httpRoute" "parentRefs" }}
{{- with get $.Values $name }}
{{- if .enabled }}
{{- if not (get . $hosts) }}
{{- $problems = printf "%s.%s: is missing; it needs at least one" $name $hosts | append $problems }}
{{- end }}
{{- if gt (int $.Values.shards) 1 }}
{{- $problems = printf "%s: each request would reach another shard, which knows its own instances only; disable it, or leave shards at 1" $name | append $problems }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- if and .Values.rrsa.enabled .Values.serviceAccount.create (not .Values.rrsa.roleName) }}
{{- $problems = append $problems "rrsa.roleName: is missing; set the name of the RAM role that the pods assume, or rrsa.enabled: false" }}
{{- end }}

{{- /* Flags of which a second one would win or be refused, and flags with which nothing is served. */}}
{{- $taken := list "config.check" "config.example" "config.file" "demo" "health-check" "help" "instance" "once" "once.format"
      "once.timeout" "once.warn" "shard" "total-shards" "version" "web.config.file" "web.listen-address" "web.telemetry-path" }}
{{- if .Values.reloader.enabled }}{{ $taken = append $taken "web.enable-lifecycle" }}{{ end }}
{{- range .Values.extraArgs }}
{{- $flag := splitList "=" . | first | trimPrefix "--" | trimPrefix "no-" }}
{{- if or (has $flag $taken) (regexMatch "^(help|completion)-" $flag) }}
{{- $problems = printf "extraArgs: %s: other values set it, or nothing would be served" . | append $problems }}
{{- end }}
{{- end }}
{{- $takenEnv := list }}
{{- range $taken }}
{{- $takenEnv = regexReplaceAll "[.-]" . "_" | upper | printf "TAIR_SSL_EXPORTER_%s" | append $takenEnv }}
{{- end }}
{{- range .Values.env }}
{{- if has .name $takenEnv }}
{{- $problems = printf "env: %s: other values set it, or nothing would be served" .name | append $problems }}
{{- end }}
{{- end }}

{{- with .Values.serviceMonitor }}
{{- if or .enabled $.Values.podMonitor.enabled }}
{{- if gt (include "tair-ssl-exporter.milliseconds" .scrapeTimeout | int64) (include "tair-ssl-exporter.milliseconds" .interval | int64) }}
{{- $problems = printf "serviceMonitor: scrapeTimeout %s is longer than interval %s, which the operator refuses" .scrapeTimeout .interval | append $problems }}
{{- end }}
{{- end }}
{{- end }}

{{- range $name, $_ := .Values.prometheusRule.extraLabels }}
{{- if has $name (list "alertname" "severity" "instance_id" "account" "region" "name" "expires" "renewal") }}
{{- $problems = printf "prometheusRule.extraLabels: %s is a label of the rules" $name | append $problems }}
{{- end }}
{{- end }}

{{- /* The same key twice is no YAML. */}}
{{- $labels := include "tair-ssl-exporter.labels" . | fromYaml }}
{{- range list
      (list "commonLabels" .Values.commonLabels (merge (include "tair-ssl-exporter.ownLabels" . | fromYaml) (include "tair-ssl-exporter.podLabels" . | fromYaml)))
      (list "podLabels" .Values.podLabels (merge (include "tair-ssl-exporter.podLabels" . | fromYaml) (include "tair-ssl-exporter.commonLabels" . | fromYaml)))
      (list "podAnnotations" .Values.podAnnotations (include "tair-ssl-exporter.podAnnotations" . | fromYaml))
      (list "serviceAccount.annotations" .Values.serviceAccount.annotations (include "tair-ssl-exporter.roleAnnotation" . | fromYaml))
      (list "serviceMonitor.labels" .Values.serviceMonitor.labels $labels)
      (list "prometheusRule.labels" .Values.prometheusRule.labels $labels)
      (list "dashboards.labels" .Values.dashboards.labels $labels) }}
{{- $value := index . 0 }}
{{- $ours := index . 2 }}
{{- range $key, $_ := index . 1 }}
{{- if hasKey $ours $key }}
{{- $problems = printf "%s: %s is set by the chart or by commonLabels" $value $key | append $problems }}
{{- end }}
{{- end }}
{{- end }}

{{- with $problems }}
{{- join "\n" . | printf "\n%s" | fail }}
{{- end }}
{{- end }}

{{- /* A duration as Prometheus writes them, such as 1m30s. */}}
{{- define "tair-ssl-exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $sum = add $sum (mul (trimSuffix $unit . | int64) (get $units $unit)) }}
{{- end }}
{{- $sum }}
{{- end }}
