# shellcheck shell=bash disable=SC2154
# Throw-away certificates: one authority for the API, one for etcd, so that a client of the one is nothing to the
# other. Valid for a week: a cluster of tests is younger.

readonly certificate_days=7

# make_authority NAME COMMON_NAME
make_authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$certificate_days" \
        -subj "/CN=$2" -addext 'keyUsage=critical,keyCertSign,cRLSign' \
        -keyout "$dir/pki/$1.key" -out "$dir/pki/$1.crt" 2>>"$dir/logs/certificates.log"
}

# make_certificate NAME AUTHORITY SUBJECT USAGE [ALTERNATIVE_NAMES]
make_certificate() {
    local name="$1" authority="$2" subject="$3" usage="$4" alternatives="${5:-}"
    {
        printf 'extendedKeyUsage=%s\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n' "$usage"
        if [[ -n "$alternatives" ]]; then printf 'subjectAltName=%s\n' "$alternatives"; fi
    } >"$dir/pki/$name.ext"
    {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" \
            -keyout "$dir/pki/$name.key" -out "$dir/pki/$name.csr" &&
            openssl x509 -req -in "$dir/pki/$name.csr" -CA "$dir/pki/$authority.crt" -CAkey "$dir/pki/$authority.key" \
                -CAcreateserial -days "$certificate_days" -extfile "$dir/pki/$name.ext" -out "$dir/pki/$name.crt"
    } 2>>"$dir/logs/certificates.log"
}

# write_kubeconfig FILE USER CERTIFICATE: everything inside the file, so that it can be copied.
write_kubeconfig() {
    local file="$1" user="$2" certificate="$3"
    cat >"$file" <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: harmony
    cluster:
      server: https://$api_address:$api_port
      certificate-authority-data: $(base64 -w 0 "$dir/pki/ca.crt")
users:
  - name: $user
    user:
      client-certificate-data: $(base64 -w 0 "$dir/pki/$certificate.crt")
      client-key-data: $(base64 -w 0 "$dir/pki/$certificate.key")
contexts:
  - name: harmony
    context:
      cluster: harmony
      user: $user
current-context: harmony
YAML
}

make_certificates() {
    local server_names
    mkdir -p "$dir/pki" "$dir/kubeconfigs" "$dir/logs"
    make_authority ca harmony-cluster-ca
    make_authority etcd-ca harmony-cluster-etcd-ca
    server_names="IP:$api_address,IP:127.0.0.1,IP:$service_prefix.0.1,DNS:localhost,DNS:kubernetes"
    server_names+=",DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    make_certificate apiserver ca /CN=kube-apiserver serverAuth "$server_names"
    make_certificate apiserver-kubelet ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
    make_certificate etcd etcd-ca /CN=etcd serverAuth,clientAuth IP:127.0.0.1
    make_certificate etcd-client etcd-ca /CN=kube-apiserver clientAuth
    make_certificate admin ca /O=system:masters/CN=harmony-admin clientAuth
    make_certificate controller-manager ca /CN=system:kube-controller-manager clientAuth
    make_certificate scheduler ca /CN=system:kube-scheduler clientAuth
    make_certificate kubelet ca "/O=system:nodes/CN=system:node:$node_name" clientAuth
    make_certificate kube-proxy ca /CN=system:kube-proxy clientAuth
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$dir/pki/service-accounts.key" \
        2>>"$dir/logs/certificates.log"
    openssl pkey -in "$dir/pki/service-accounts.key" -pubout -out "$dir/pki/service-accounts.pub"
    write_kubeconfig "$dir/kubeconfig" harmony-admin admin
    write_kubeconfig "$dir/kubeconfigs/controller-manager" controller-manager controller-manager
    write_kubeconfig "$dir/kubeconfigs/scheduler" scheduler scheduler
    write_kubeconfig "$dir/kubeconfigs/kubelet" kubelet kubelet
    write_kubeconfig "$dir/kubeconfigs/kube-proxy" kube-proxy kube-proxy
}
