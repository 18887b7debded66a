package app

// exampleConfig is a configuration to begin with. --config.example prints it.
const exampleConfig = `# tair-ssl-exporter.yml: what tair_ssl_exporter watches. Try it: tair_ssl_exporter --once
refresh_interval: 1h # an instance is asked once an hour, however often Prometheus scrapes
accounts:
  - credentials:
      type: default # the environment (ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET), RRSA, the profile of the aliyun CLI, the ECS role
      # Or a key in two files:
      # type: access_key
      # access_key_id_file: /etc/tair-ssl-exporter/access_key_id
      # access_key_secret_file: /etc/tair-ssl-exporter/access_key_secret
    region: cn-hangzhou # of the instances
    instances:
      - r-bp1zxszhcgatnx # yours
    # Or every instance of the account:
    # discovery:
    #   - regions: ["*"]
`

// guideError is the error of a first start: there is nothing to watch.
type guideError struct{ file string }

func (e *guideError) Error() string {
	return "no configuration: " + e.file + " does not exist. Look around with --demo, name instances by --instance=REGION/ID, " +
		"or save the file above (--config.example prints it; --config.file names another)"
}
