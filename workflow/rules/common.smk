"""Configuration, wildcards and helpers that all stages share. Nothing here imports torch.

Paths say everything. Their first part is the home of a scale: none for the scale of the papers,
`laptop/`, `demo/` or another file of config/scales/, and `published/<scale>/` for the rows of finished
runs that are kept with the code. Figures carry their protocol: none for the paper's, `release/`,
`corrected/`.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Everything of the workflow is found from here, whichever Snakefile and working directory a run starts with.
RULES = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
ROOT = RULES.resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flexnet import config as settings
from flexnet import digest
from flexnet.digest import code_digest, file_digest
from flexnet.errors import ConfigError
from flexnet.files import canonical_json, ordered_json
from flexnet.networks.registry import module_of
from flexnet.stopping import PARENT_VARIABLE, parent_name
from flexnet.study import caches, configuration, published
from flexnet.study.places import Places, job_variables
from flexnet.study.typed import require_once

if digest.ROOT.resolve() != ROOT / "flexnet":
    raise WorkflowError(
        f"expected the package of {ROOT}; got that of {digest.ROOT.parent}, which was imported before: use one"
        " checkout in one workflow"
    )

HERE = Path.cwd()
# Of a module with a prefix: it goes before all paths of results.
MODIFIER = workflow.modifier
IS_MODULE = not MODIFIER.is_main_snakefile()
HANDED = IS_MODULE and MODIFIER.skip_configfile
PLACES = Places(ROOT, HERE, own_config=HANDED or not IS_MODULE, handed=HANDED)


def load_configuration():
    """Configuration of every scale, by home; the registry of figures; what came with the command."""
    schemas = ROOT / "workflow/schemas"
    schema = settings.read_yaml(schemas / "config.schema.yaml")
    typed = workflow.config_settings
    require_once(sys.argv)
    came = configuration.given(
        config,
        typed.config_args or [],
        typed.configfiles,
        schema,
        as_module=IS_MODULE,
    )
    scales = configuration.load_scales(
        PLACES, schema, came, reset=typed.replace_workflow_config
    )
    registry = settings.read_yaml(schemas / "figures.schema.yaml")
    return scales, configuration.load_figures(PLACES, registry, scales[""]), came


try:
    SCALES, FIGURES, GIVEN = load_configuration()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# What Snakemake itself shows of the configuration.
if not IS_MODULE:
    config.update(SCALES[""])
    workflow.configfiles += map(str, PLACES.config_files())

# The jobs' `python` is the one that runs Snakemake, also on a cluster node and without activation.
os.environ.update(job_variables(ROOT, os.environ, Path(sys.executable)))
os.environ.update(caches.cache_variables(os.environ, HERE / ".snakemake/cache"))

# What is computed must not depend on the machine, so machine settings travel in the environment.
os.environ.update(configuration.machine_variables(SCALES[""], GIVEN))

# A job ends with the Snakemake that started it. A child of Snakemake keeps the name of the first.
if not workflow.subprocess_exec:
    os.environ.update({PARENT_VARIABLE: parent_name(os.getpid())})

# glibc returns large blocks to the system at once and zeroes them again at the next step; keeping them
# makes a training step on the CPU some 5 % faster.
for variable in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
    os.environ.setdefault(variable, str(2**32))


# One GPU job at a time on this machine, whatever other resources a command or a profile lists; `--resources
# gpu=N` for more cards. On a cluster the limit is local to each submission, so it does not hold back the queue.
resource_scopes:
    gpu="local",


if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", 1)

PROTOCOLS = settings.PROTOCOLS
VARIANTS = {"": "paper", "release/": "release", "corrected/": "corrected"}
# Figures that show modules and not results: no protocol changes them, and no claim is judged by them.
SCHEMATICS = {
    name for name, figure in FIGURES.items() if figure["family"] == "schematic"
}
PUBLISHED = {
    f"published/{name}/": folder
    for name, folder in PLACES.published(str(MODIFIER.modify_path("published"))).items()
}


def any_of(names):
    """Regular expression for one of the names (which may be empty)."""
    return "(" + "|".join(map(re.escape, sorted(map(str, names), reverse=True))) + ")"


wildcard_constraints:
    home=any_of([*SCALES, *PUBLISHED]),
    scale=any_of(SCALES),
    variant=any_of(VARIANTS),
    protocol=any_of(PROTOCOLS),
    figure=any_of(FIGURES),
    source=any_of({name for scale in SCALES.values() for name in scale["sources"]}),
    dataset=any_of({name for scale in SCALES.values() for name in scale["datasets"]}),
    model=any_of({name for scale in SCALES.values() for name in scale["models"]}),
    split="(train|test)",
    seed="[1-9][0-9]*",


def scale_of(home):
    """Name of the scale whose files live in a home."""
    return Path(home).name or "paper"


def settings_of(home):
    """Today's configuration of the scale that a home belongs to."""
    name = scale_of(home)
    known = SCALES.get("" if name == "paper" else f"{name}/")
    if known is None:
        raise WorkflowError(
            f"{home}: expected a scale of that name; write config/scales/{name}.yaml"
        )
    return known


def settings_of_rows(home, protocol, figure):
    """Configuration with which the rows of a figure are made, or were made if they are published."""
    if home not in PUBLISHED:
        return settings_of(home)
    name = scale_of(home)
    today = SCALES.get("" if name == "paper" else f"{name}/")
    try:
        return published.config_of(PUBLISHED[home], protocol, figure, today)
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


def note_of(home):
    """What readers must know of the rows of a home."""
    if home not in PUBLISHED:
        return settings_of(home)["note"].strip()
    name = scale_of(home)
    today = SCALES.get("" if name == "paper" else f"{name}/")
    return " ".join(published.notes_of(PUBLISHED[home], today))


def rows_file(home, protocol, figure):
    """Rows of a figure: made here, or published, by the user or with the code."""
    table = f"results/rows/{protocol}/{figure}.csv"
    if home in PUBLISHED and not PUBLISHED[home].is_relative_to(HERE):
        return str(PUBLISHED[home] / table)
    return home + table


def is_published(home, protocol, figure):
    """Whether rows of a figure are published."""
    return (PUBLISHED[home] / f"results/rows/{protocol}/{figure}.csv").is_file()


def row_of(wildcards):
    """The configured model of a job."""
    return settings_of(wildcards.scale)["models"][wildcards.model]


def dataset_of(wildcards):
    """The configured dataset of a job: its name and its row."""
    scale = settings_of(wildcards.scale)
    name = getattr(wildcards, "dataset", None) or row_of(wildcards)["dataset"]
    return name, scale["datasets"][name]


def arrays_of(wildcards, split, suffix="safetensors"):
    """File of a split of a job's dataset."""
    return f"data/{dataset_of(wildcards)[1]['source']}/{split}.{suffix}"


def subset_of(wildcards):
    """File that says which images a job trains on and is scored on."""
    return f"{wildcards.scale}results/subsets/{dataset_of(wildcards)[0]}/seed{wildcards.seed}.json"


def threads_of(wildcards):
    """CPU threads of a job."""
    return settings_of(wildcards.scale)["threads"]


def has_gpu():
    """Whether this machine shows a GPU, found without importing torch."""
    return shutil.which("nvidia-smi") is not None


def gpus_of(wildcards):
    """GPUs of a job: one, unless it runs on the CPU. Cluster profiles set the device to cuda."""
    return int(
        SCALES[""]["device"].startswith("cuda")
        or (SCALES[""]["device"] == "auto" and has_gpu())
    )
