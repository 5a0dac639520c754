// Fields of synthetic pods for JSON: on the wire and in snapshots. Included by model/*_json.cc and wire.cc
// only.
#pragma once

#include "model/json.h"
#include "model/wire.h"

namespace podroute {

template <class V>
void fields(V& v, PodSpec& x, const PodSpec& d) {
    PODROUTE_FIELD(number), PODROUTE_FIELD(addresses), PODROUTE_FIELD(link), PODROUTE_FIELD(bridge);
    PODROUTE_FIELD(networks), PODROUTE_FIELD(gateways), PODROUTE_FIELD(mtu), PODROUTE_FIELD(uplink);
}
template <class V>
void fields(V& v, OpenedPod& x, const OpenedPod& d) {
    PODROUTE_FIELD(number), PODROUTE_FIELD(ifindex), PODROUTE_FIELD(pod_ifindex), PODROUTE_FIELD(mac);
    PODROUTE_FIELD(gateway_mac), PODROUTE_FIELD(mtu), PODROUTE_FIELD(bridge);
    PODROUTE_FIELD(kept_off);
}
template <class V>
void fields(V& v, Error& x, const Error& d) {
    PODROUTE_FIELD(code), PODROUTE_FIELD(text), PODROUTE_FIELD(where);
}

}  // namespace podroute
