import os
import xml.parsers.expat

entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
bomb = f'<!DOCTYPE bomb [<!ENTITY e0 "bomb">{entities}]><bomb>&e9;</bomb>'
parser = xml.parsers.expat.ParserCreate()
parser.buffer_text = True
try:
    parser.Parse(bomb, True)
    print("parsed", flush=True)
except (xml.parsers.expat.ExpatError, MemoryError):
    print("the parser gave up", flush=True)
os._exit(22)
