"""The embedded dataset "shapes": ten classes of procedurally drawn everyday objects.

The class is carried by the shape and, unreliably, by the texture: shape against texture is the
question that the papers' drawings of Fig. 6 of the Flexible Layer paper ask.
"""

from flexnet.data.shapes.generate import generate as generate
from flexnet.data.shapes.objects import CLASSES as CLASSES
from flexnet.data.shapes.raster import RENDERINGS as RENDERINGS
from flexnet.data.shapes.splits import generate_split as generate_split
