#!/bin/sh
case "$1" in -*) set -- redis-server "$@" ;; esac
# The image's own Redis is compiled without it.
if [ "$1" = redis-server ]; then set -- "$@" --protected-mode no; fi
if [ "$(id -u)" = 0 ]; then
  chown redis:redis .
  exec setpriv --reuid redis --regid redis --clear-groups "$@"
fi
exec "$@"
