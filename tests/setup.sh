# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # the lists are for who reads this in
# What ./check and ./demo have in common: packages that are missing, and a build.

build_packages=(autoconf automake gcc libc6-dev make pkg-config libfcgi-dev libcurl4-gnutls-dev
	libgnutls28-dev libjansson-dev liblmdb-dev libcmocka-dev)
run_packages=(nginx curl python3 openssl ca-certificates)
check_packages=(clang clang-format libclang-rt-14-dev mandoc valgrind shellcheck python3-pytest xz-utils)

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing_packages() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			echo "$package"
	done
}

# Installs what is missing; no service is started by it.
install_packages() (
	policy=/usr/sbin/policy-rc.d
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing: ${missing[*]}"
	if [ ! -e $policy ]; then
		trap 'as_root rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
	fi
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends "${missing[@]}" >/dev/null
)

# build_in FOLDER [configure argument...]: configures once and makes the program.
build_in() {
	local folder=$1
	shift
	mkdir -p "$folder"
	[ configure -nt configure.ac ] || autoreconf -fi
	[ -e "$folder/Makefile" ] || (cd "$folder" && ../configure -q --enable-werror "$@")
	make -C "$folder" -j2
}
