#!/bin/sh
# Fails when docs/settings.md is not what the program prints. usage: settings_page.sh KITH PAGE
set -eu
"$1" settings --markdown | diff -u "$2" - || {
  echo "docs/settings.md is out of date: kith settings --markdown > docs/settings.md" >&2
  exit 1
}
