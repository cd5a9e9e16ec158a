# The ground that the stages in tools/stages stand on; sourced by each of them.
#
# It gives: $root (the repository), $target (cargo's), $scratch (a directory that is gone afterwards),
# an environment without the developer's credentials, and the deeds below. `STAGE --missing` prints the
# Debian packages that the stage needs and the machine lacks.
set -euo pipefail

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
stage=$(realpath "$0")
cd "$root"
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 TZ=UTC
umask 022
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

missing() {
    local need
    for need in $(sed -n 's/^# needs: //p' "$stage"); do
        # COMMAND, COMMAND=PACKAGE or /A/FILE=PACKAGE
        command -v "${need%%=*}" >/dev/null || [ -e "${need%%=*}" ] || echo "${need##*=}"
    done
}
if [ "${1-}" = --missing ]; then missing; exit 0; fi
lack=$(missing | paste -sd' ')
[ -z "$lack" ] || { echo "missing: apt-get install --no-install-recommends $lack" >&2; exit 1; }

# "# root: yes": the stage gives files away, looks into what others may not read, and mounts. It gets
# a mount namespace of its own, so that nothing stays mounted; and without root a user namespace with
# the user's subordinate ids (Debian's package uidmap).
if grep -q '^# root: yes' "$stage" && [ -z "${STAGE_IN_NAMESPACE-}" ]; then
    export STAGE_IN_NAMESPACE=yes
    user=()
    [ "$(id -u)" = 0 ] || user=(--user --map-root-user --map-auto)
    exec unshare "${user[@]}" --mount --kill-child "$stage"
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/oci-merge-$(basename "$stage").XXXXXX")
children=()
leave() {
    local code=$? child
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null && wait "$child" 2>/dev/null || true
    done
    ! mountpoint -q "$scratch/disk" || umount --recursive --lazy "$scratch/disk"
    rm -rf --one-file-system "$scratch" || true
    exit $code
}
trap leave EXIT
trap 'exit 143' TERM INT

# Nothing that the developer has lying about may decide a test.
unset SOURCE_DATE_EPOCH REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG GITHUB_TOKEN GITHUB_ACTIONS \
    CI_REGISTRY CI_REGISTRY_USER CI_REGISTRY_PASSWORD XDG_RUNTIME_DIR XDG_CONFIG_HOME
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
while read -r variable; do unset "$variable"; done < <(compgen -e OCI_MERGE_)
export DOCKER_CONFIG=$scratch/docker-config
mkdir "$DOCKER_CONFIG" && echo '{}' >"$DOCKER_CONFIG/config.json"
export OCI_MERGE_CACHE=$scratch/store

fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "-- $*"; }

# Builds the program without a C compiler (the linker stays) and puts it on PATH.
# PROGRAM_DIR=DIR tools/test … tries the program in that directory instead, such as a released one.
build_program() {
    if [ -n "${PROGRAM_DIR-}" ]; then export PATH=$PROGRAM_DIR:$PATH; return; fi
    CC=/bin/false CXX=/bin/false AR=/bin/false \
        cargo build --quiet --release --locked --bin oci-merge --target-dir "$target/pure"
    export PATH=$target/pure/release:$PATH
}

# Starts Debian's docker-registry on a free port; then $registry is its address and
# $registry_log names every request. With "$1" (an htpasswd file) it wants a password.
start_registry() {
    local dir
    dir=$(mktemp -d "$scratch/registry.XXXXXX")
    registry_log=$dir/log
    cat >"$dir/config.yml" <<-END
	version: 0.1
	log: { accesslog: { disabled: false }, level: info }
	storage: { filesystem: { rootdirectory: $dir/data }, delete: { enabled: true } }
	http: { addr: 127.0.0.1:0 }
	END
    [ $# = 0 ] || echo "auth: { htpasswd: { realm: stage, path: $1 } }" >>"$dir/config.yml"
    : >"$registry_log" # it is looked into before the child may have opened it
    docker-registry serve "$dir/config.yml" >>"$registry_log" 2>&1 &
    children+=($!)
    local tries
    for tries in $(seq 100); do
        registry=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$registry_log")
        [ -z "$registry" ] || return 0
        sleep 0.1
    done
    cat "$registry_log" >&2
    fail "docker-registry did not start"
}

# Gathers real tools once for all stages; $real is where.
gather() {
    real=$target/real-tools
    tools/real-tools "$real" "$@"
}

# Everything a container can see of a tree, one line an entry: kind, mode, owner, size, time,
# link count, link target, digest of content, xattrs; then which names are one file. Made by find,
# sha256sum and getfattr only. Directories' times are left out: unpacking a later layer moves them.
tree_of() {
    (
        cd "$1"
        find . -mindepth 1 \( -type d -printf '%P|%y|%m|%U:%G\n' \) -o \
            -printf '%P|%y|%m|%U:%G|%s|%Ts|%n|%l\n' | sort
        find . -type f -print0 | sort -z | xargs -0 -r sha256sum
        # Names that are one file, by their inode's first name and not by its number.
        find . ! -type d -links +1 -printf '%i %p\n' | sort -k2 |
            awk '{ if (!($1 in first)) first[$1] = $2; print first[$1], "is", $2 }'
        find . -print0 | sort -z | xargs -0 -r getfattr --no-dereference -d -m - -e hex 2>/dev/null
    ) 
}

# Fails unless two trees are the same to a container.
same_trees() {
    tree_of "$1" >"$scratch/tree.1"
    tree_of "$2" >"$scratch/tree.2"
    diff -u --label "$1" "$scratch/tree.1" --label "$2" "$scratch/tree.2" >"$scratch/tree.diff" ||
        { head -40 "$scratch/tree.diff" >&2; fail "${3-the trees} differ"; }
    [ -s "$scratch/tree.1" ] || fail "${3-the trees}: both are empty"
}
