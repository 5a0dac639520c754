// Commands as data: HOST, CIDR and NODE are filled in.
#include "engine/cloud.h"

#include <array>
#include <string_view>

namespace podroute {
namespace {

struct Commands {
    std::string_view card, route4, route6, filter;
};

// In the order of Cloud. The card of OpenStack is told each network, the others' know no networks.
constexpr std::array<Commands, 4> kCommands{{
    {"az network nic update -g GROUP -n NIC_OF_HOST --ip-forwarding true",
     "az network route-table route create -g GROUP --route-table-name TABLE -n pods-HOST --address-prefix "
     "CIDR "
     "--next-hop-type VirtualAppliance --next-hop-ip-address NODE",
     "az network route-table route create -g GROUP --route-table-name TABLE -n pods6-HOST --address-prefix "
     "CIDR --next-hop-type VirtualAppliance --next-hop-ip-address NODE",
     "az network nsg rule list -g GROUP --nsg-name NSG --include-default -o table"},
    {"aws ec2 modify-instance-attribute --instance-id INSTANCE_OF_HOST --no-source-dest-check",
     "aws ec2 create-route --route-table-id TABLE --destination-cidr-block CIDR --instance-id "
     "INSTANCE_OF_HOST",
     "aws ec2 create-route --route-table-id TABLE --destination-ipv6-cidr-block CIDR --instance-id "
     "INSTANCE_OF_HOST",
     "aws ec2 describe-security-groups --group-ids SECURITY_GROUP"},
    {"gcloud compute instances update-from-file HOST --zone ZONE --source FILE_WITH_CANIPFORWARD",
     "gcloud compute routes create pods-HOST --network NETWORK --destination-range CIDR --next-hop-instance "
     "HOST "
     "--next-hop-instance-zone ZONE",
     "gcloud compute routes create pods6-HOST --network NETWORK --destination-range CIDR --next-hop-instance "
     "HOST --next-hop-instance-zone ZONE",
     "gcloud compute firewall-rules list"},
    {"openstack port set PORT_OF_HOST --allowed-address ip-address=CIDR",
     "openstack router add route ROUTER --route destination=CIDR,gateway=NODE",
     "openstack router add route ROUTER --route destination=CIDR,gateway=NODE",
     "openstack security group rule list SECURITY_GROUP"},
}};

const Commands& commands_of(Cloud cloud) {
    return kCommands.at(static_cast<std::size_t>(cloud));
}

void replace(std::string& text, std::string_view word, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
        text.replace(at, word.size(), by);
}

// One for each network of the family, or one in all where the command names none.
std::vector<std::string> filled(std::string_view command, const InventoryHost& host, Family family) {
    std::vector<std::string> out;
    const auto node = host.address(family);
    for (const Prefix& cidr : host.pod_cidrs) {
        if (cidr.family() != family || !node) continue;
        std::string text(command);
        replace(text, "CIDR", cidr.to_string());
        replace(text, "NODE", node->to_string());
        replace(text, "HOST", host.name);  // last: a name may be any word
        if (out.empty() || out.back() != text) out.push_back(std::move(text));
    }
    return out;
}

}  // namespace

Cloud cloud_of(const Snapshot& snapshot) {
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const auto facts = snapshot.hosts.find(host.name);
        if (facts == snapshot.hosts.end() || !facts->second.known()) continue;
        const Firmware& said = facts->second->firmware;
        if (said.chassis_tag == "7783-7084-3265-9085-8269-3286-77") return Cloud::azure;
        if (said.vendor == "Amazon EC2") return Cloud::aws;
        if (said.product == "Google Compute Engine") return Cloud::gcloud;
        if (said.vendor == "OpenStack Foundation" || said.product.starts_with("OpenStack "))
            return Cloud::openstack;
    }
    return Cloud::azure;
}

std::vector<std::string> card_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                       Family family) {
    const InventoryHost* found = inventory.find(host);
    return found == nullptr ? std::vector<std::string>{} : filled(commands_of(cloud).card, *found, family);
}

std::vector<std::string> route_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                        Family family) {
    const InventoryHost* found = inventory.find(host);
    const Commands& commands = commands_of(cloud);
    if (found == nullptr) return {};
    return filled(family == Family::v4 ? commands.route4 : commands.route6, *found, family);
}

std::vector<std::string> correct_route_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                                Family family) {
    auto commands = route_commands(cloud, inventory, host, family);
    for (std::string& command : commands) replace(command, "ec2 create-route", "ec2 replace-route");
    return commands;
}

std::string filter_command(Cloud cloud) {
    return std::string(commands_of(cloud).filter);
}

}  // namespace podroute
