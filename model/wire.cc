// The codec of the wire: a JSON head and raw bytes, bounded.
#include "model/wire.h"

#include "model/change_json.h"
#include "model/facts_json.h"
#include "model/pod_json.h"

namespace podroute {

template <class V>
void fields(V& v, Hello& x, const Hello& d) {
    PODROUTE_FIELD(version), PODROUTE_FIELD(nonce), PODROUTE_FIELD(deadline_ms), PODROUTE_FIELD(heartbeat_ms);
}
template <class V>
void fields(V& v, Gather& x, const Gather& d) {
    PODROUTE_FIELD(pod_cidrs), PODROUTE_FIELD(own), PODROUTE_FIELD(nodes);
}
template <class V>
void fields(V& v, Lookup& x, const Lookup& d) {
    PODROUTE_FIELD(queries);
}
template <class V>
void fields(V& v, SolicitTarget& x, const SolicitTarget& d) {
    PODROUTE_FIELD(address), PODROUTE_FIELD(ifindex);
}
template <class V>
void fields(V& v, Solicit& x, const Solicit& d) {
    PODROUTE_FIELD(targets), PODROUTE_FIELD(wait_ms);
}
template <class V>
void fields(V& v, BpfInstruction& x, const BpfInstruction& d) {
    PODROUTE_FIELD(code), PODROUTE_FIELD(jt), PODROUTE_FIELD(jf), PODROUTE_FIELD(k);
}
template <class V>
void fields(V& v, Capture& x, const Capture& d) {
    PODROUTE_FIELD(ifindex), PODROUTE_FIELD(pod), PODROUTE_FIELD(outgoing), PODROUTE_FIELD(filter);
    PODROUTE_FIELD(snaplen), PODROUTE_FIELD(max);
}
template <class V>
void fields(V& v, OpenPod& x, const OpenPod& d) {
    PODROUTE_FIELD(pods);
}
template <class V>
void fields(V& v, Listener& x, const Listener& d) {
    PODROUTE_FIELD(pod), PODROUTE_FIELD(protocol), PODROUTE_FIELD(address), PODROUTE_FIELD(port);
}
template <class V>
void fields(V& v, Arm& x, const Arm& d) {
    PODROUTE_FIELD(captures), PODROUTE_FIELD(listeners);
}
template <class V>
void fields(V& v, Apply& x, const Apply& d) {
    PODROUTE_FIELD(run), PODROUTE_FIELD(started), PODROUTE_FIELD(changes), PODROUTE_FIELD(keep_within_ms);
}
template <class V>
void fields(V&, Keep&, const Keep&) {}
template <class V>
void fields(V&, Revert&, const Revert&) {}
template <class V>
void fields(V&, Recover&, const Recover&) {}
template <class V>
void fields(V& v, OpenPodReply& x, const OpenPodReply& d) {
    PODROUTE_FIELD(pods);
}
template <class V>
void fields(V& v, ApplyReply& x, const ApplyReply& d) {
    PODROUTE_FIELD(outcomes);
}
template <class V>
void fields(V&, KeepReply&, const KeepReply&) {}
template <class V>
void fields(V& v, RevertReply& x, const RevertReply& d) {
    PODROUTE_FIELD(outcomes);
}
template <class V>
void fields(V& v, RecoverReply& x, const RecoverReply& d) {
    PODROUTE_FIELD(run), PODROUTE_FIELD(changes), PODROUTE_FIELD(outcomes);
}
template <class V>
void fields(V& v, Collect& x, const Collect& d) {
    PODROUTE_FIELD(wait_ms);
}
template <class V>
void fields(V&, Ping&, const Ping&) {}
template <class V>
void fields(V&, Bye&, const Bye&) {}
template <class V>
void fields(V& v, HelloReply& x, const HelloReply& d) {
    PODROUTE_FIELD(version), PODROUTE_FIELD(nonce), PODROUTE_FIELD(agent_version), PODROUTE_FIELD(uid);
}
template <class V>
void fields(V& v, LookupReply& x, const LookupReply& d) {
    PODROUTE_FIELD(answers);
}
template <class V>
void fields(V& v, SolicitReply& x, const SolicitReply& d) {
    PODROUTE_FIELD(neighbours);
}
template <class V>
void fields(V&, ArmReply&, const ArmReply&) {}
template <class V>
void fields(V& v, Unsent& x, const Unsent& d) {
    PODROUTE_FIELD(index), PODROUTE_FIELD(error);
}
template <class V>
void fields(V& v, FireReply& x, const FireReply& d) {
    PODROUTE_FIELD(sent), PODROUTE_FIELD(unsent), PODROUTE_FIELD(started_us);
}
template <class V>
void fields(V&, PingReply&, const PingReply&) {}
template <class V>
void fields(V&, ByeReply&, const ByeReply&) {}
template <class V>
void fields(V& v, Refused& x, const Refused& d) {
    PODROUTE_FIELD(error);
}

namespace {

using codec::DecodeError;
using codec::json;

// Of a message with frames. Each of them follows as raw bytes, big-endian: ifindex (4), time_us (8), pod (4),
// leaving (1), size (4), then its bytes. There are too many of them to be written as JSON.
struct FramesHead {
    std::uint32_t frames = 0;
    std::uint32_t dropped = 0;
};
constexpr std::size_t kFrameHead = 21;  // bytes

template <class V>
void fields(V& v, FramesHead& x, const FramesHead& d) {
    PODROUTE_FIELD(frames), PODROUTE_FIELD(dropped);
}

template <std::unsigned_integral T>
void append(std::string& out, T value) {
    for (std::size_t i = sizeof value; i-- > 0;) out.push_back(static_cast<char>(value >> 8 * i & 0xff));
}
void append_u32(std::string& out, std::size_t value) {
    append(out, static_cast<std::uint32_t>(value));
}

// Takes a number off the front of `bytes`, which holds it.
template <std::unsigned_integral T>
T take(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes.substr(0, sizeof(T))) value = value << 8 | static_cast<unsigned char>(c);
    bytes.remove_prefix(sizeof(T));
    return static_cast<T>(value);
}
std::size_t read_u32(std::string_view bytes) {
    return take<std::uint32_t>(bytes);
}

std::string pack(std::size_t type, const json& head, std::string_view raw = {}) {
    const std::string text = head.dump(-1, ' ', false, json::error_handler_t::replace);
    std::string out;
    out.reserve(9 + text.size() + raw.size());
    append_u32(out, 5 + text.size() + raw.size());
    out.push_back(static_cast<char>(type));
    append_u32(out, text.size());
    out += text;
    out += raw;
    return out;
}

std::string pack_frames(std::size_t type, const std::vector<Frame>& frames, std::uint32_t dropped) {
    std::size_t size = 0;
    for (const Frame& f : frames) size += kFrameHead + f.bytes.size();
    std::string raw;
    raw.reserve(size);
    for (const Frame& f : frames) {
        append(raw, f.ifindex);
        append(raw, f.time_us);
        append(raw, f.pod);
        append(raw, static_cast<std::uint8_t>(f.leaving ? 1 : 0));
        append_u32(raw, f.bytes.size());
        raw.append(f.bytes.begin(), f.bytes.end());
    }
    return pack(type, codec::put(FramesHead{static_cast<std::uint32_t>(frames.size()), dropped}), raw);
}

Frame take_frame(std::string_view& raw) {
    if (raw.size() < kFrameHead) throw DecodeError("a frame is cut short");
    Frame frame;
    frame.ifindex = take<std::uint32_t>(raw);
    frame.time_us = take<std::uint64_t>(raw);
    frame.pod = take<std::uint32_t>(raw);
    frame.leaving = take<std::uint8_t>(raw) != 0;
    const auto size = take<std::uint32_t>(raw);
    if (size > raw.size()) throw DecodeError("a frame is longer than the message");
    frame.bytes.assign(raw.begin(), raw.begin() + size);
    raw.remove_prefix(size);
    return frame;
}

std::vector<Frame> unpack_frames(const FramesHead& head, std::string_view raw) {
    if (head.frames > raw.size() / kFrameHead) throw DecodeError("more frames than the message holds");
    std::vector<Frame> frames;
    frames.reserve(head.frames);
    for (std::uint32_t i = 0; i < head.frames; ++i) frames.push_back(take_frame(raw));
    if (!raw.empty()) throw DecodeError("bytes after the last frame");
    return frames;
}

template <class T>
T unpack(const json& head, std::string_view raw) {
    if constexpr (std::same_as<T, Fire> || std::same_as<T, CollectReply>) {
        FramesHead frames;
        codec::get(head, frames);
        if constexpr (std::same_as<T, Fire>)
            return {unpack_frames(frames, raw)};
        else
            return {unpack_frames(frames, raw), frames.dropped};
    } else {
        if (!raw.empty()) throw DecodeError("bytes after the head");
        T value{};
        codec::get(head, value);
        return value;
    }
}

template <class Message, std::size_t... I>
Message unpack_as(std::size_t type, const json& head, std::string_view raw, std::index_sequence<I...>) {
    Message message;
    const bool known =
        ((I == type && (message = unpack<std::variant_alternative_t<I, Message>>(head, raw), true)) || ...);
    if (!known) throw DecodeError("unknown message type " + std::to_string(type));
    return message;
}

template <class Message>
Result<Message> decode(std::string_view body) {
    if (body.size() < 5)
        return failure("bad-message", "a message of " + std::to_string(body.size()) + " bytes");
    const auto type = static_cast<unsigned char>(body[0]);
    const std::size_t head_size = read_u32(body.substr(1));
    if (head_size > body.size() - 5) return failure("bad-message", "the head is longer than the message");
    const auto head = codec::parse_untrusted(body.substr(5, head_size), kMaxMessageBytes);
    if (!head) return failure("bad-message", head.error().text);
    try {
        return unpack_as<Message>(type, *head, body.substr(5 + head_size),
                                  std::make_index_sequence<std::variant_size_v<Message>>{});
    } catch (const DecodeError& e) {
        return failure("bad-message", e.what());
    } catch (const json::exception& e) {
        return failure("bad-message", e.what());
    }
}

}  // namespace

std::string encode(const Request& request) {
    if (const auto* fire = std::get_if<Fire>(&request)) return pack_frames(request.index(), fire->frames, 0);
    return std::visit(
        [&]<class T>(const T& r) {
            if constexpr (std::same_as<T, Fire>)
                return std::string{};
            else
                return pack(request.index(), codec::put(r));
        },
        request);
}

std::string encode(const Reply& reply) {
    if (const auto* caught = std::get_if<CollectReply>(&reply))
        return pack_frames(reply.index(), caught->frames, caught->dropped);
    return std::visit(
        [&]<class T>(const T& r) {
            if constexpr (std::same_as<T, CollectReply>)
                return std::string{};
            else
                return pack(reply.index(), codec::put(r));
        },
        reply);
}

Result<std::size_t> message_length(std::string_view four_bytes) {
    if (four_bytes.size() < 4) return failure("bad-message", "a message is at least 4 bytes");
    const std::size_t length = read_u32(four_bytes);
    if (length < 5 || length > kMaxMessageBytes)
        return failure("bad-message", "a message of " + std::to_string(length) + " bytes");
    return length;
}

Result<Request> decode_request(std::string_view body) {
    return decode<Request>(body);
}
Result<Reply> decode_reply(std::string_view body) {
    return decode<Reply>(body);
}

}  // namespace podroute
