# shellcheck shell=bash disable=SC2154
# etcd, API server, controller manager and scheduler. They listen on one address only: loopback, or with a node the
# address of the pods' bridge, which no other machine can reach.

start_etcd() {
    mkdir -p "$dir/etcd"
    # Nothing of a test cluster is worth a flush to disk.
    start_program etcd etcd --data-dir "$dir/etcd" --name harmony --unsafe-no-fsync \
        --listen-client-urls "https://127.0.0.1:$etcd_port" --advertise-client-urls "https://127.0.0.1:$etcd_port" \
        --listen-peer-urls "http://127.0.0.1:$etcd_peer_port" \
        --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer_port" \
        --initial-cluster "harmony=http://127.0.0.1:$etcd_peer_port" \
        --client-cert-auth --trusted-ca-file "$dir/pki/etcd-ca.crt" \
        --cert-file "$dir/pki/etcd.crt" --key-file "$dir/pki/etcd.key"
}

start_kube_apiserver() {
    start_program kube-apiserver "$kubernetes/bin/kube-apiserver" \
        --bind-address "$api_address" --secure-port "$api_port" --advertise-address "$advertised_address" \
        --endpoint-reconciler-type "$endpoint_reconciler" \
        --etcd-servers "https://127.0.0.1:$etcd_port" --etcd-cafile "$dir/pki/etcd-ca.crt" \
        --etcd-certfile "$dir/pki/etcd-client.crt" --etcd-keyfile "$dir/pki/etcd-client.key" \
        --tls-cert-file "$dir/pki/apiserver.crt" --tls-private-key-file "$dir/pki/apiserver.key" \
        --client-ca-file "$dir/pki/ca.crt" --authorization-mode Node,RBAC \
        --enable-admission-plugins NodeRestriction --allow-privileged=true \
        --service-cluster-ip-range "$service_prefix.0.0/16" --profiling=false \
        --service-account-issuer https://kubernetes.default.svc \
        --service-account-key-file "$dir/pki/service-accounts.pub" \
        --service-account-signing-key-file "$dir/pki/service-accounts.key" \
        --kubelet-client-certificate "$dir/pki/apiserver-kubelet.crt" \
        --kubelet-client-key "$dir/pki/apiserver-kubelet.key" --kubelet-preferred-address-types InternalIP
}

start_kube_controller_manager() {
    start_program kube-controller-manager "$kubernetes/bin/kube-controller-manager" \
        --kubeconfig "$dir/kubeconfigs/controller-manager" --leader-elect=false --port 0 \
        --bind-address 127.0.0.1 --secure-port "$controller_manager_port" --profiling=false \
        --cert-dir "$dir/pki/controller-manager" --root-ca-file "$dir/pki/ca.crt" \
        --service-account-private-key-file "$dir/pki/service-accounts.key" --use-service-account-credentials=true
}

start_kube_scheduler() {
    start_program kube-scheduler "$kubernetes/bin/kube-scheduler" \
        --kubeconfig "$dir/kubeconfigs/scheduler" --leader-elect=false --port 0 \
        --bind-address 127.0.0.1 --secure-port "$scheduler_port" --profiling=false \
        --cert-dir "$dir/pki/scheduler"
}

etcd_answers() {
    curl --silent --fail --max-time 2 --cacert "$dir/pki/etcd-ca.crt" --cert "$dir/pki/etcd-client.crt" \
        --key "$dir/pki/etcd-client.key" "https://127.0.0.1:$etcd_port/health"
}

# api_get PATH: with the administrator's rights, since the first requests come before the roles of the bootstrap exist.
# A kubectl would cost more than what is waited for.
api_get() {
    curl --silent --fail --max-time 2 --cacert "$dir/pki/ca.crt" --cert "$dir/pki/admin.crt" \
        --key "$dir/pki/admin.key" "https://$api_address:$api_port$1"
}

api_is_ready() { api_get /readyz; }

controllers_work() { api_get /api/v1/namespaces/default/serviceaccounts/default; }

cluster_kubectl() { "$kubernetes/bin/kubectl" --kubeconfig "$dir/kubeconfig" --cache-dir "$dir/cache" "$@"; }

start_api() {
    start_etcd
    wait_ready etcd 20 "etcd answers" etcd_answers
    start_kube_apiserver
}

await_api() { wait_ready kube-apiserver 60 "The API server is ready" api_is_ready; }

await_controllers() { wait_ready kube-controller-manager 30 "The controllers work" controllers_work; }
