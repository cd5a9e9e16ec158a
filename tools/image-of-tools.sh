# One image of real tools, from tools/recipes; sourced by the stages that build and run one.

# Writes oci-merge.toml in the working directory: the base $1, then a layer for each tool.
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
            printf '}\n[layer.%s.source]\npath = "%s/%s"\n' "$name" "$real" "$name"
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
