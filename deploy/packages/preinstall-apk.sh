#!/bin/sh
# Of apk: no unit of systemd makes the user.
set -e
addgroup -S tair-ssl-exporter 2>/dev/null || true
adduser -S -D -H -h /var/empty -s /sbin/nologin -G tair-ssl-exporter -g tair_ssl_exporter tair-ssl-exporter 2>/dev/null || true
