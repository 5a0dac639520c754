// What is said of links that could not be made.
#include <gtest/gtest.h>

#include <cerrno>

#include "agent/interfaces.h"

namespace podroute::agent {
namespace {

TEST(Interfaces, AKernelWithoutVethIsNamed) {
    const Error unknown_type{"errno-" + std::to_string(EOPNOTSUPP),
                             "link vethx: Operation not supported: Unknown device type", ""};
    EXPECT_EQ(why_no_veth(unknown_type).text,
              unknown_type.text + ": this kernel has no veth links and could not load the module veth");
    const Error taken{"errno-" + std::to_string(EEXIST), "link vethx: File exists", ""};
    EXPECT_EQ(why_no_veth(taken).text, taken.text);
}

}  // namespace
}  // namespace podroute::agent
