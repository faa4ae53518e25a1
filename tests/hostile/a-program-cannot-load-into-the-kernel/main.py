import ctypes
import os

from attempts import refused, syscall

INIT_MODULE, FINIT_MODULE, DELETE_MODULE, KEXEC_LOAD, BPF = 175, 313, 176, 246, 321
MAP_CREATE, PROG_LOAD = 0, 5


image = ctypes.create_string_buffer(4096)
opened = os.open("main.py", os.O_RDONLY)
refused("a module", syscall, INIT_MODULE, image, len(image), b"")
refused("a module's file", syscall, FINIT_MODULE, opened, b"", 0)
refused("unload", syscall, DELETE_MODULE, b"overlay", 0)
refused("another kernel", syscall, KEXEC_LOAD, 0, 0, None, 0)
array = (ctypes.c_uint32 * 18)(2, 4, 4, 1)
refused("a BPF map", syscall, BPF, MAP_CREATE, ctypes.byref(array), ctypes.sizeof(array))
program = ctypes.create_string_buffer(bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95]) + bytes(7))
attributes = (ctypes.c_uint64 * 9)(1 | 2 << 32, ctypes.addressof(program), ctypes.addressof(ctypes.create_string_buffer(b"GPL")))
refused("a BPF program", syscall, BPF, PROG_LOAD, ctypes.byref(attributes), ctypes.sizeof(attributes))
print("a filter in the kernel: its own affair")
