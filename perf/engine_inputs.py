"""What is scanned: what gateways carry, from this machine's own files, as it is or packed by real tools."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile

INPUT_BYTES = 16 << 20
# A file of each kind: its name, the tool, and what makes it of the folder `in` beside it.
PACKED = [
    ("tar", "tar", "tar -cf out in"),
    ("tar.gz", "gzip", "tar -cf - in | gzip -6 > out"),
    ("tar.bz2", "bzip2", "tar -cf - in | bzip2 -9 > out"),
    ("tar.xz", "xz", "tar -cf - in | xz -6 > out"),
    ("tar.lzma", "xz", "tar -cf - in | xz --format=lzma -6 > out"),
    ("tar.zst", "zstd", "tar -cf - in | zstd -q -3 > out"),
    ("tar.lz4", "lz4", "tar -cf - in | lz4 -q > out"),
    ("tar.Z", "compress", "tar -cf - in | compress > out"),
    ("cpio", "cpio", "find in | cpio -o -H newc > out"),
    ("ar", "ar", "ar rc out in/*"),
    ("zip", "zip", "zip -q -r out.zip in && mv out.zip out"),
    ("zip-xml", "zip", "zip -q -r out.zip xml && mv out.zip out"),
    ("zip-deflate64", "7z", "7z a -bd -tzip -mm=Deflate64 out.zip in && mv out.zip out"),
    ("7z", "7z", "7z a -bd out.7z in && mv out.7z out"),
    ("7z-ppmd", "7z", "7z a -bd -m0=PPMd out.7z in && mv out.7z out"),
    ("rar", "rar", "rar a -idq out.rar in && mv out.rar out"),
    ("cab", "gcab", "gcab -c -z out.cab in/* && mv out.cab out"),
    ("arj", "arj", "arj a -r out.arj in > /dev/null && mv out.arj out"),
    ("iso", "genisoimage", "genisoimage -quiet -J -R -o out in"),
    ("ole2", "gsf", "gsf createole out in/*"),
    ("mail", "python3", """python3 -c '
import email.message, os
mail = email.message.EmailMessage()
mail["Subject"] = "files"
mail.set_content("The files.")
for name in sorted(os.listdir("in")):
    with open("in/" + name, "rb") as file:
        mail.add_attachment(file.read(), "application", "octet-stream", filename=name)
open("out", "wb").write(bytes(mail))
'"""),
]
XML_FILES = 4_200


def plain(out):
    """Libraries, pages and scripts, noise, zeros; nothing repeats inside one input."""
    folder = out / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "elf": lambda: largest("/usr/lib", (".so",)),
        "text": lambda: b"<html><body>\n" + largest("/usr/share", (".html", ".js", ".css", ".htm")),
        "random": lambda: b"\0" * 12 + random.Random(1).randbytes(INPUT_BYTES - 12),
        "zeros": lambda: bytes(INPUT_BYTES),
    }
    for name, make in made.items():
        path = folder / name
        if not path.exists() or path.stat().st_size != INPUT_BYTES:
            data = make()
            while len(data) < INPUT_BYTES:
                data += data
            path.write_bytes(data[:INPUT_BYTES])
    return [folder / name for name in made]


def packed(out):
    """32 files of 256 KiB, half of libraries and half of pages, in each container and coding; 4,200 small
    XML files in a zip. A tool that is not there is left out, and said."""
    folder = out / "packed"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="baleen-packed-") as scratch:
        scratch = pathlib.Path(scratch)
        fill(scratch, plain(out))
        for name, tool, command in PACKED:
            path = folder / name
            if not path.exists():
                if not shutil.which(tool):
                    print(f"{name}: left out, {tool} is not installed", flush=True)
                    continue
                subprocess.run(
                    ["sh", "-ec", command], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
                shutil.move(scratch / "out", path)
            found.append(path)
    return found


def fill(scratch, sources):
    """The files that are packed."""
    inside, xml = scratch / "in", scratch / "xml"
    inside.mkdir()
    xml.mkdir()
    piece = 256 << 10
    for source in sources[:2]:
        data = source.read_bytes()
        for number in range(16):
            start = number * (len(data) // 16)
            (inside / f"{source.name}-{number}").write_bytes(data[start:start + piece])
    for number in range(XML_FILES):
        items = "".join(f"<item id='{number}-{row}'>row {row * number}</item>\n" for row in range(100))
        (xml / f"{number}.xml").write_text(f"<?xml version='1.0'?>\n<items>\n{items}</items>\n")


def largest(folder, endings):
    """The largest files of a kind, one after the other."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if any(ending in name for ending in endings) and not os.path.islink(path):
                found.append((os.path.getsize(path), path))
    data = b""
    for _, path in sorted(found, reverse=True):
        with open(path, "rb") as file:
            data += file.read(INPUT_BYTES)
        if len(data) >= INPUT_BYTES:
            break
    if not data:
        raise RuntimeError(f"nothing in {folder} to measure with")
    return data
