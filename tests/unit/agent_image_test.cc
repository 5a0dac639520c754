// The controller carries the agent that was built with it.
#include <elf.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "agent/image.h"

namespace podroute {
namespace {

std::string bytes_of(const char* file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(AgentImage, IsTheFileByteForByte) {
    const auto file = bytes_of(PODROUTE_AGENT_FILE);
    const auto image = agent_image();
    ASSERT_GT(file.size(), 100'000U);
    ASSERT_EQ(image.size(), file.size());
    EXPECT_EQ(std::memcmp(image.data(), file.data(), file.size()), 0);
}

TEST(AgentImage, IsCarriedCompressedToo) {
    const auto file = bytes_of(PODROUTE_AGENT_FILE ".gz");
    const auto image = compressed_agent_image();
    ASSERT_EQ(image.size(), file.size());
    EXPECT_EQ(std::memcmp(image.data(), file.data(), file.size()), 0);
    const std::string unpacks = "gzip -dc " PODROUTE_AGENT_FILE ".gz | cmp - " PODROUTE_AGENT_FILE;
    EXPECT_EQ(std::system(unpacks.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
}

TEST(AgentImage, LeavesTheStackOfItsCarrierNotExecutable) {
    const auto self = bytes_of("/proc/self/exe");
    Elf64_Ehdr head;
    std::memcpy(&head, self.data(), sizeof head);
    int stacks = 0;
    for (unsigned i = 0; i < head.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, self.data() + head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_GNU_STACK) continue;
        ++stacks;
        EXPECT_EQ(segment.p_flags, static_cast<unsigned>(PF_R | PF_W));
    }
    EXPECT_EQ(stacks, 1);
}

}  // namespace
}  // namespace podroute
