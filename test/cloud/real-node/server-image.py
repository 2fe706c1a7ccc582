#!/usr/bin/python3 -B
"""Writes the image of a server: a disk of 4 MiB whose boot sector writes a line to the first serial port, and halts.

usage: server-image.py FILE
"""
import struct
import sys

SECTOR = 512
SECTORS = 8192
# Where the BIOS puts the boot sector; the line follows the code.
LOADED_AT = 0x7C00
# A test may put another one of this length in its place.
LINE = b'\r\nreal node: the server has booted from its disk          \r\n\0'

CODE_LENGTH = 23
CODE = b''.join([
    b'\xfa',                                               # cli
    b'\xfc',                                               # cld
    b'\x31\xc0',                                           # xor ax, ax
    b'\x8e\xd8',                                           # mov ds, ax
    b'\xbe' + struct.pack('<H', LOADED_AT + CODE_LENGTH),  # mov si, line
    b'\xba\xf8\x03',                                       # mov dx, the first serial port
    b'\xac',                                               # next: lodsb
    b'\x84\xc0',                                           # test al, al
    b'\x74\x03',                                           # jz halt
    b'\xee',                                               # out dx, al
    b'\xeb\xf8',                                           # jmp next
    b'\xf4',                                               # halt: hlt
    b'\xeb\xfd',                                           # jmp halt
])


def partition(first, count):
    """An active partition of Linux, by the numbers of its sectors."""
    return struct.pack('<B3sB3sII', 0x80, b'\x20\x21\x00', 0x83, b'\xfe\xff\xff', first, count)


def boot_sector():
    signature = struct.pack('<IH', 0x49504131, 0)
    table = partition(2048, SECTORS - 2048).ljust(64, b'\0')
    return (CODE + LINE).ljust(440, b'\0') + signature + table + b'\x55\xaa'


assert len(CODE) == CODE_LENGTH and len(boot_sector()) == SECTOR
with open(sys.argv[1], 'wb') as image:
    image.write(boot_sector())
    image.truncate(SECTORS * SECTOR)
