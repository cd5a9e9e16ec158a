# One image of real tools, from tools/recipes; sourced by the stages that build and run one.

# Writes oci-merge.toml in the working directory: the base $1, then a layer for each tool: what was gathered
# of it, or with $images (a registry and a path) the image of that name there.
spec_of_tools() {
    local base=$1 name
    shift
    printf 'schema = 1\n[project]\nname = "tools"\n[base]\nimage = "%s"\n' "$base" >oci-merge.toml
    for name in "$@"; do
        (
            . "$root/tools/recipes/$name"
            printf '\n[layer.%s]\nprefix = "/opt/%s"\npath = ["%s"]\n' "$name" "$name" "$path"
            printf 'env = {'
            for variable in "${env[@]}"; do printf ' %s = "%s",' "${variable%%=*}" "${variable#*=}"; done |
                sed 's/,$/ /'
            if [ -n "${images-}" ]; then
                printf '}\n[layer.%s.from]\nimage = "%s/%s:1"\n' "$name" "$images" "$name"
            else
                printf '}\n[layer.%s.source]\npath = "%s/%s"\n' "$name" "$real" "$name"
            fi
        ) >>oci-merge.toml
    done
}

# Runs every tool's proof in a chroot of the tree $1 with the environment of the image config $2.
run_tools() {
    local tree=$1 config=$2 name variables
    shift 2
    mapfile -t variables < <(jq -r '.config.Env[]' "$config")
    for name in "$@"; do
        (
            . "$root/tools/recipes/$name"
            "$root/tools/in-chroot" "$tree" env -i HOME=/root "${variables[@]}" "${proof[@]}" >proof.log 2>&1 ||
                { cat proof.log >&2; fail "$name does not run: ${proof[*]}"; }
            echo "$name: ${proof[*]}: $(grep -m1 . proof.log || echo ok)"
        )
    done
}

# From directories to a registry, from there by other programs to a tree, and then run.
image_of_tools() {
    local digest config
    start_registry
    cd "$scratch"
    skopeo copy --quiet --dest-tls-verify=false "oci:$real/base:latest" "docker://$registry/tools/base:12"
    spec_of_tools "$registry/tools/base:12" "$@"
    step "build and push $*"
    oci-merge check >/dev/null
    oci-merge build --push -t "$registry/tools/all:full" --digestfile digest
    digest=$(cat digest)
    skopeo copy --quiet --src-tls-verify=false "docker://$registry/tools/all@$digest" oci:pulled:full
    "$root/tools/validate-documents" pulled
    umoci --log=error unpack --image pulled:full bundle
    skopeo inspect --config oci:pulled:full >config.json
    step "run them"
    run_tools bundle/rootfs config.json "$@"
}

# After image_of_tools: each tool into a repository of its own, and from there, with stores that know nothing, all of
# them into one image: first on the word of who pushed the tools, then on that of the first run. No byte of a layer moves.
stack_of_tools() {
    local name believe begun requests layers digest
    for name in "$@"; do
        spec_of_tools "$registry/tools/base:12" "$name"
        oci-merge build --push -q -t "$registry/tools/$name:1" >/dev/null
    done
    images=$registry/tools spec_of_tools "$registry/tools/base:12" "$@"
    for believe in --trust-index ''; do
        begun=$(wc -l <"$registry_log")
        OCI_MERGE_CACHE=$scratch/empty$believe oci-merge build $believe --no-layer-upload --push -q \
            -t "$registry/tools/stacked:1" >/dev/null 2>screen || fail "$(cat screen)"
        tail -n +$((begun + 1)) "$registry_log" | grep '"[A-Z]* /v2/.* HTTP/1.1" ' >requests
        layers=$(skopeo inspect --raw --tls-verify=false "docker://$registry/tools/stacked:1" | jq -r '.layers[].digest')
        requests=$(wc -l <requests)
        echo "${believe:-without it}: $requests requests for $(wc -l <<<"$layers") layers"
        [ "$requests" -gt 5 ] && [ "$requests" -le $((3 * $(wc -l <<<"$layers") + 6)) ] || fail "too many: $(cat requests)"
        for digest in $layers; do
            ! grep -q "GET /v2/.*/blobs/$digest " requests || fail "$digest was read"
        done
    done
    skopeo copy --quiet --src-tls-verify=false "docker://$registry/tools/stacked:1" oci:stacked:full
    umoci --log=error unpack --image stacked:full stack
    skopeo inspect --config oci:stacked:full >config.json
    run_tools stack/rootfs config.json "$@"
}
