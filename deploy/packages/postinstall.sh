#!/bin/sh
# Of deb and rpm. An update restarts the exporter where it runs. A new installation starts nothing: the configuration comes
# first.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	systemctl try-restart tair-ssl-exporter.service || true
fi
