/* The agent's bytes as they stand in the file. The note keeps the stack of whoever links this from being executable. */
        .section .rodata
        .global podroute_agent_begin
        .global podroute_agent_end
        .balign 16
podroute_agent_begin:
        .incbin PODROUTE_AGENT_FILE
podroute_agent_end:
        .byte 0
        .global podroute_agent_compressed_begin
        .global podroute_agent_compressed_end
        .balign 16
podroute_agent_compressed_begin:
        .incbin PODROUTE_AGENT_COMPRESSED
podroute_agent_compressed_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
