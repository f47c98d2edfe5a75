#!/bin/sh
# Makes room: removes what an interrupted `keep` left in the vault. Never touches a finished copy.
set -eu
rm -f "${VAULT:-vault}"/*.new
