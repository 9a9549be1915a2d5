{{- define "lacewing.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "lacewing.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "lacewing.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "lacewing.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* What never changes of a pod; selectors can't be changed either. */ -}}
{{- define "lacewing.selector" -}}
app.kubernetes.io/name: {{ include "lacewing.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lacewing.testLabels" -}}
app.kubernetes.io/name: {{ include "lacewing.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lacewing.labels" -}}
{{ include "lacewing.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "lacewing.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "lacewing.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "lacewing.image" -}}
{{- $image := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- with .Values.image.digest }}{{ $image = printf "%s@%s" $image . }}{{ end }}
{{- $image }}
{{- end }}

{{- define "lacewing.ingressHost" -}}
{{- default (regexReplaceAll ":[0-9]+$" (urlParse .Values.publicUrl).host "") .Values.ingress.host }}
{{- end }}

{{- /* Questions: answered by "true" or nothing. */ -}}
{{- define "lacewing.hasWorkers" -}}
{{- $wanted := or (gt (int .Values.worker.replicas) 0) .Values.worker.autoscaling.enabled }}
{{- if and $wanted (eq .Values.database.kind "postgresql") }}true{{ end }}
{{- end }}

{{- define "lacewing.hasVolume" -}}
{{- if or (eq .Values.database.kind "sqlite") (not .Values.storage.url) }}true{{ end }}
{{- end }}

{{- define "lacewing.hasOwnSecret" -}}
{{- if include "lacewing.ownVariables" . | fromJsonArray }}true{{ end }}
{{- end }}

{{- define "lacewing.claimName" -}}
{{- default (printf "%s-data" (include "lacewing.fullname" .)) .Values.persistence.existingClaim }}
{{- end }}

{{- define "lacewing.keysSecretName" -}}
{{- if eq .Values.keys.source "existing" }}{{ .Values.keys.existingSecret }}{{ else }}{{ include "lacewing.fullname" . }}-keys{{ end }}
{{- end }}

{{- /* A value as it stands in an environment: Helm reads numbers as floats, and would write 5.24288e+07. */ -}}
{{- define "lacewing.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{- /* The variables that the values hold and that are secret, as JSON. */ -}}
{{- define "lacewing.givenSecrets" -}}
{{- $given := deepCopy .Values.secrets.values }}
{{- with .Values.database.url }}{{ $_ := set $given "LACEWING_DATABASE_URL" . }}{{ end }}
{{- with .Values.redis.url }}{{ $_ := set $given "LACEWING_REDIS_URL" . }}{{ end }}
{{- with .Values.broker.url }}{{ $_ := set $given "LACEWING_BROKER_URL" . }}{{ end }}
{{- $given | toJson }}
{{- end }}

{{- /* The variables that follow from other values, as YAML. */ -}}
{{- define "lacewing.derivedConfiguration" -}}
LACEWING_ENVIRONMENT: production
LACEWING_DATA_DIR: /data
LACEWING_PUBLIC_URL: {{ .Values.publicUrl | quote }}
{{- if ne .Values.keys.source "volume" }}
LACEWING_KEYS_DIR: /keys
{{- end }}
{{- with .Values.storage.url }}
LACEWING_STORAGE_URL: {{ . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
LACEWING_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
LACEWING_WORKER_IN_SERVER: {{ include "lacewing.hasWorkers" . | empty | quote }}
{{- end }}

{{- /* Names of variables, as JSON: in the chart's own Secret, and in the one that is there already. */ -}}
{{- define "lacewing.ownVariables" -}}
{{- $names := include "lacewing.givenSecrets" . | fromJson | keys }}
{{- if not .Values.secrets.existingSecret }}
{{- $names = concat $names (list "LACEWING_SECRET_KEY" "LACEWING_METRICS_TOKEN") }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{- define "lacewing.theirVariables" -}}
{{- $names := list }}
{{- if .Values.secrets.existingSecret }}
{{- $names = concat (list "LACEWING_SECRET_KEY" "LACEWING_METRICS_TOKEN") .Values.secrets.existingKeys }}
{{- if eq .Values.database.kind "postgresql" }}{{ $names = append $names "LACEWING_DATABASE_URL" }}{{ end }}
{{- if .Values.redis.enabled }}{{ $names = append $names "LACEWING_REDIS_URL" }}{{ end }}
{{- if .Values.broker.enabled }}{{ $names = append $names "LACEWING_BROKER_URL" }}{{ end }}
{{- range include "lacewing.ownVariables" . | fromJsonArray }}{{ $names = without $names . }}{{ end }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{- /* All variables that are no secret, as YAML; those that are stand in files. Given: root, and names of the chart's own. */ -}}
{{- define "lacewing.configuration" -}}
{{ include "lacewing.derivedConfiguration" .root }}
{{- range concat .own (include "lacewing.theirVariables" .root | fromJsonArray) }}
{{ . }}_FILE: /secrets/{{ . }}
{{- end }}
{{- range $name, $value := .root.Values.config }}
{{ $name }}: {{ include "lacewing.text" $value | quote }}
{{- end }}
{{- end }}
