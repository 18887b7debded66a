#!/bin/sh
# Of deb (remove, upgrade) and rpm (0: removal, 1: update).
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now tair-ssl-exporter.service || true
	fi
	;;
esac
