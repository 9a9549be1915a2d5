{{- /* What can't work is refused before anything is changed; each reason says what mends it. */ -}}
{{- define "lacewing.refuse" -}}
{{- $reasons := list }}
{{- $values := .Values }}
{{- $several := or (gt (int $values.server.replicas) 1) $values.server.autoscaling.enabled }}
{{- if not $values.publicUrl }}
{{- $reasons = append $reasons "publicUrl: say what clients call this server, as in https://tracker.example.com" }}
{{- end }}
{{- if eq $values.database.kind "sqlite" }}
{{- if $several }}
{{- $reasons = append $reasons "server: SQLite serves one pod; set database.kind to postgresql for more" }}
{{- end }}
{{- if $values.database.url }}
{{- $reasons = append $reasons "database.url: is for PostgreSQL; set database.kind to postgresql" }}
{{- end }}
{{- else }}
{{- if not (or $values.database.url $values.secrets.existingSecret $values.secrets.values.LACEWING_DATABASE_URL) }}
{{- $reasons = append $reasons "database.url: say where PostgreSQL is, here or as LACEWING_DATABASE_URL in secrets.existingSecret" }}
{{- end }}
{{- if and (not $values.storage.url) (not (has "ReadWriteMany" $values.persistence.accessModes)) }}
{{- $reasons = append $reasons "storage.url: server and workers share the files; set an s3:// URL, or persistence.accessModes to [ReadWriteMany]" }}
{{- end }}
{{- end }}
{{- if and $several (not $values.redis.enabled) }}
{{- $reasons = append $reasons "redis.enabled: server pods count rate limits together, in Redis" }}
{{- end }}
{{- range $part := list "redis" "broker" }}
{{- $given := index $values $part }}
{{- $variable := printf "LACEWING_%s_URL" (upper $part) }}
{{- if and $given.enabled (not (or $given.url $values.secrets.existingSecret (hasKey $values.secrets.values $variable))) }}
{{- $reasons = append $reasons (printf "%s.url: say where it is, here or as %s in secrets.existingSecret" $part $variable) }}
{{- end }}
{{- if and $given.url (not $given.enabled) }}
{{- $reasons = append $reasons (printf "%s.enabled: a URL is given, so it must be true" $part) }}
{{- end }}
{{- end }}
{{- if and $values.broker.enabled (not (include "lacewing.hasWorkers" .)) }}
{{- $reasons = append $reasons "broker.enabled: what a broker carries only workers run, and there are none" }}
{{- end }}
{{- if and $values.networkPolicy.enabled (ne $values.service.type "ClusterIP") (not $values.networkPolicy.ingress.from) }}
{{- $reasons = append $reasons "networkPolicy.ingress.from: say who may come in, as ipBlocks; without it only pods of this cluster may, and service.type asks for others" }}
{{- end }}
{{- if and (eq $values.keys.source "existing") (not $values.keys.existingSecret) }}
{{- $reasons = append $reasons "keys.existingSecret: say which Secret holds the keys" }}
{{- end }}
{{- if and (eq $values.keys.source "volume") (not (include "lacewing.hasVolume" .)) }}
{{- $reasons = append $reasons "keys.source: there is no volume, as files are in an object storage; use generated or existing" }}
{{- end }}
{{- if and (eq $values.keys.source "generated") (eq (toString $values.config.LACEWING_JWT_ALGORITHM) "RS256") }}
{{- $reasons = append $reasons "keys.source: keys for RS256 are not generated; make them by `lacewing keys rotate`, and use existing" }}
{{- end }}
{{- if gt (int $values.keys.oldestGeneration) (int $values.keys.generation) }}
{{- $reasons = append $reasons "keys.oldestGeneration: is above keys.generation, which would leave no key" }}
{{- end }}
{{- $known := splitList "\n" (.Files.Get "files/settings.txt" | trim) }}
{{- $derived := fromYaml (include "lacewing.derivedConfiguration" .) }}
{{- range $name, $_ := $values.config }}
{{- if hasKey $derived $name }}
{{- $reasons = append $reasons (printf "config.%s: is made from other values of the chart" $name) }}
{{- else if not (or (has $name $known) (regexMatch "^(LACEWING_OIDC|AWS)_" $name)) }}
{{- $reasons = append $reasons (printf "config.%s: is no setting of Lacewing" $name) }}
{{- end }}
{{- end }}
{{- range $name := concat (keys $values.secrets.values | sortAlpha) $values.secrets.existingKeys }}
{{- if not (or (has $name $known) (regexMatch "^(LACEWING_OIDC_.*|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN))$" $name)) }}
{{- $reasons = append $reasons (printf "secrets: %s is no setting of Lacewing, or none that can stand in a file" $name) }}
{{- else if hasKey $values.config $name }}
{{- $reasons = append $reasons (printf "secrets: %s stands in config too" $name) }}
{{- end }}
{{- end }}
{{- if and $values.secrets.existingKeys (not $values.secrets.existingSecret) }}
{{- $reasons = append $reasons "secrets.existingKeys: say in which Secret they are, by secrets.existingSecret" }}
{{- end }}
{{- with $reasons }}
{{- fail (printf "\nThe values can't work:\n- %s" (join "\n- " .)) }}
{{- end }}
{{- end }}
