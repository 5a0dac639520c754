// The agent looks up no names: all its addresses are numeric. These stand in the place of the resolver, which
// libnl refers to and which would bring the name service switch, and with it a quarter of a megabyte, into
// the static program.
#include <netdb.h>

extern "C" {

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
    return EAI_FAIL;
}
void freeaddrinfo(addrinfo*) {}
int getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) {
    return EAI_FAIL;
}
protoent* getprotobyname(const char*) {
    return nullptr;
}
protoent* getprotobynumber(int) {
    return nullptr;
}

}  // extern "C"
