# shellcheck shell=bash disable=SC2154
# Names of Services for pods, as DNS of a cluster has them: a dnsmasq on the pods' bridge, and beside it a program that
# writes its list of names whenever the endpoints of a Service change. Debian packages no CoreDNS.

readonly cluster_domain=cluster.local

start_dnsmasq() {
    mkdir -p "$dir/dns"
    touch "$dir/dns/hosts"
    # Every other name does not exist: pods have no way to others. Another user could not read the list in a folder that
    # is this user's alone.
    start_program dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root \
        --log-facility=- --bind-interfaces --listen-address="$pod_prefix.0.1" --port=53 --no-resolv --no-hosts \
        --addn-hosts="$dir/dns/hosts" --address=/#/ --local-ttl=1 --neg-ttl=1 --cache-size=0
}

# A Service is its address, or the addresses of its pods where it has none; a pod with a host name of its own has a name
# below that.
dns_names() {
    local domain="svc.$cluster_domain"
    cluster_kubectl --request-timeout 10s get services,endpoints --all-namespaces -o json | jq -r --arg domain "$domain" '
        [.items[] | select(.kind == "Endpoints")] as $endpoints
        | [.items[] | select(.kind == "Service") | {key: "\(.metadata.name).\(.metadata.namespace)", value: .spec.clusterIP}]
        | from_entries as $services
        | ($services | to_entries[] | select(.value != null and .value != "None" and .value != "")
           | "\(.value) \(.key).\($domain)"),
          ($endpoints[] | "\(.metadata.name).\(.metadata.namespace)" as $name
           | .subsets[]?.addresses[]?
           | (select($services[$name] == "None") | "\(.ip) \($name).\($domain)"),
             (select(.hostname) | "\(.ip) \(.hostname).\($name).\($domain)"))'
}

write_dns_names() {
    local names
    names="$(dns_names)" || return 0
    if [[ "$names" == "$(<"$dir/dns/hosts")" ]]; then return; fi
    printf '%s\n' "$names" >"$dir/dns/hosts.part"
    mv "$dir/dns/hosts.part" "$dir/dns/hosts"
    kill -HUP "$(program_pid dnsmasq)" 2>/dev/null || true
}

# Every Service that selects pods has endpoints from its beginning to its end, so that watching those is enough. The
# watch ends with the API server, and after some time by itself.
follow_services() {
    trap 'trap - TERM; kill -TERM 0' TERM
    while :; do
        while read -r _; do
            # Changes come in bursts.
            while read -r -t 0.1 _; do :; done
            write_dns_names
        done < <(cluster_kubectl get endpoints --all-namespaces --watch --no-headers 2>/dev/null)
        sleep 1
    done
}

start_service_names() {
    start_program service-names "$root/e2e/cluster/cluster" --dir "$dir" follow-services
}

dns_answers() { grep -q " kubernetes.default.svc.$cluster_domain\$" "$dir/dns/hosts" && program_runs dnsmasq; }
