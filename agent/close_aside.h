// Packet sockets, which the kernel is slow to let go.
#pragma once

namespace podroute::agent {

// Closes a packet socket while the caller goes on. The kernel waits in close(2) until no processor can be in
// the socket's receive path any more (net/packet/af_packet.c, packet_release: a grace period of RCU, about 10
// ms), for each socket anew; several that are closed so wait together. The process ends when the last is
// closed.
void close_aside(int fd);

}  // namespace podroute::agent
