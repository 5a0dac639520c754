// Commands for a person, as podroute itself logged in. Checks and the engine write every command as
// "ssh root@HOST COMMAND"; who may log in, and how root's rights are had there, is put in here, once.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace podroute {

// "ssh [-t] [-p PORT] USER@HOST [sudo] COMMAND" of "ssh root@HOST COMMAND". The user is the one who was
// logged in to that host, else the one that was asked for, else root; any other than root goes by sudo, with
// a terminal (-t) for its password where --sudo has not shown that none is needed. Empty where the command
// holds what a shell would take for more than plain words: names in it come from hosts, and it will be
// pasted. What is no such command is returned as it is.
std::string as_logged_in(const std::string& command, const Snapshot& snapshot);

// Whether a shell takes every character of it for itself.
bool pasteable(const std::string& text);

}  // namespace podroute
