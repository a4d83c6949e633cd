"""Pictures as Pillow writes them, and their pixels as it reads them, for tests/read.rs: python pictures.py (Pillow 13.0.0)."""

import json
from PIL import Image

SIZE = (12, 9)
coloured = Image.new("RGB", SIZE)
coloured.putdata([(20 * x, 28 * y, 255 - 10 * (x + y)) for y in range(SIZE[1]) for x in range(SIZE[0])])
grey = Image.new("L", SIZE)
grey.putdata([20 * x + 3 * y for y in range(SIZE[1]) for x in range(SIZE[0])])
clear = Image.new("RGBA", SIZE, (200, 100, 50, 128))

coloured.save("coloured.png")
grey.save("grey.png")
clear.save("clear.png")
grey.quantize(16).save("palette.png")
coloured.save("coloured.jpg", quality=95, subsampling=0)
coloured.save("progressive.jpg", quality=95, progressive=True, subsampling=2)
grey.save("grey.jpg", quality=95)

names = ["coloured.png", "grey.png", "palette.png", "coloured.jpg", "progressive.jpg", "grey.jpg"]
read = {}
for name in names:
    image = Image.open(name)
    if image.mode == "P":
        image = image.convert("RGB")
    read[name] = list(image.tobytes())
with open("pictures.json", "w") as file:
    json.dump(read, file, separators=(",", ":"))
    file.write("\n")
