// Kernel settings.
#include "checks/sysctls.h"

#include <algorithm>
#include <charconv>

#include "checks/common.h"
#include "engine/route_text.h"

namespace podroute {

Setting read_setting(const HostFacts& facts, const std::string& name) {
    Setting setting;
    const auto at = facts.sysctls.find(name);
    if (at == facts.sysctls.end()) return setting;
    setting.state = Setting::State::unreadable;
    if (!at->second.known()) {
        setting.why = at->second.unknown().why;
        return setting;
    }
    const std::string& text = *at->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), setting.number);
    if (error == std::errc{} && end == text.data() + text.size())
        setting.state = Setting::State::value;
    else
        setting.why = "its value is no number";
    return setting;
}

Setting effective_rp_filter(const HostFacts& facts, const std::string& link) {
    Setting all = read_setting(facts, "ipv4/conf/all/rp_filter");
    Setting own = read_setting(facts, "ipv4/conf/" + link + "/rp_filter");
    if (all.state == Setting::State::unreadable) return all;
    if (own.state == Setting::State::unreadable) return own;
    if (!own.known()) return all;
    if (all.known()) own.number = std::max(own.number, all.number);
    return own;
}

std::string setting_name(const std::string& name) {
    std::string text = "net/" + name;
    if (text.find('.') == std::string::npos) std::replace(text.begin(), text.end(), '/', '.');
    return text;
}

HostChange setting_change(const HostId& host, const HostFacts& facts, const std::string& name, int value) {
    Change change;
    change.object = SysctlObject{name};
    const auto at = facts.sysctls.find(name);
    if (at != facts.sysctls.end() && at->second.known()) change.before = *at->second;
    change.after = std::to_string(value);
    return {host, std::move(change)};
}

std::string setting_command(const HostId& host, const std::string& name, int value) {
    const std::string word = setting_name(name) + "=" + std::to_string(value);
    return plain_word(word) ? on_host(host, "sysctl -w " + word) : "";
}

}  // namespace podroute
