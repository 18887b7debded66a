#!/sbin/openrc-run
# Of apk: Alpine has no systemd.
name=tair_ssl_exporter
description="Prometheus exporter for the TLS certificates of Alibaba Cloud Tair instances"
command=/usr/bin/tair_ssl_exporter
command_args="--config.file=/etc/tair-ssl-exporter/tair-ssl-exporter.yml"
command_user=tair-ssl-exporter:tair-ssl-exporter
command_background=true
pidfile=/run/tair-ssl-exporter.pid
output_logger="logger -t tair_ssl_exporter"
error_logger="logger -t tair_ssl_exporter"
extra_started_commands=reload

depend() {
	need net
}

reload() {
	ebegin "Reloading $name"
	start-stop-daemon --signal HUP --pidfile "$pidfile"
	eend $?
}
