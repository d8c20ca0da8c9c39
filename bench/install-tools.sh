#!/bin/sh
# Installs what some benchmarks use beside Node: packages of npm into a folder of their own, and on Debian and its children, as
# root, programs. Whatever is missing is skipped by the benchmarks, which say so.
set -u

# No scripts: none of them has to be compiled for what is measured.
(cd "$(dirname "$0")/rivals" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund) ||
  echo "The packages in bench/rivals could not be installed" >&2

packages='wrk hey postgresql redis-server gcc libc6-dev util-linux'

if ! command -v apt-get >/dev/null; then
  echo "This is no Debian: install by hand what there is of: $packages" >&2
  exit 1
fi

# For backups: Litestream 0.5, which needs Go, and an S3 server.
(cd "$(dirname "$0")/.." && node scripts/install-litestream.ts && node scripts/install-s3rver.ts) ||
  echo "Litestream 0.5 or s3rver could not be installed" >&2

apt-get update
missing=
for package in $packages; do
  apt-get install --yes --no-install-recommends "$package" || missing="$missing $package"
done

if [ -n "$missing" ]; then
  echo "Could not be installed:$missing" >&2
  exit 1
fi
