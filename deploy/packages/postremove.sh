#!/bin/sh
# Of deb and rpm.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
