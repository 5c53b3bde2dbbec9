"""Configuration, wildcards and what all stages share. Nothing here imports torch.

What jobs are told is worked out in `flexnet.study`; here it is put into Snakemake's words.
"""

import atexit
import gc
import os
import re
import shutil
import sys
from functools import cache
from inspect import signature
from pathlib import Path

from snakemake.common import overwrite_function_params
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.resources import Resource

# Everything of the workflow is found from here, whichever Snakefile and working directory a run starts with.
RULES = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
ROOT = RULES.resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flexnet import digest, reading
from flexnet.cards import SHARE_VARIABLE, cards, jobs_per_card
from flexnet.digest import code_digest, file_digest
from flexnet.errors import ConfigError
from flexnet.files import canonical_json
from flexnet.machine import KEPT_MEMORY
from flexnet.stopping import PARENT_VARIABLE, parent_name
from flexnet.study import (
    announce,
    caches,
    retyped,
    sources,
    configuration,
    console,
    cost,
    drawing,
    jobs,
    joins,
    listing,
    targets,
)
from flexnet.study.places import Places, job_variables
from flexnet.study.study import Study, scale_name
from flexnet.study.typed import require_once
from flexnet.yaml_files import read_yaml

if reading.ROOT.resolve() != ROOT / "flexnet":
    raise WorkflowError(
        f"expected the package of {ROOT}; got that of {reading.ROOT.parent}, which was imported before: use one"
        " checkout in one workflow"
    )

HERE = Path.cwd()
# A plan of thousands of jobs is made of millions of objects that stay: looking for garbage among them is a
# tenth of its time.
gc.set_threshold(1_000_000, 20, 100)
digest.READINGS.use(HERE / ".snakemake/cache/readings.json")
atexit.register(digest.READINGS.keep)
# Of a module with a prefix: it goes before all paths of results.
MODIFIER = workflow.modifier
IS_MODULE = not MODIFIER.is_main_snakefile()
HANDED = IS_MODULE and MODIFIER.skip_configfile
# Speaks to a person in the place of Snakemake, unless another workflow or a wish for all details does.
SILENT = IS_MODULE or workflow.output_settings.verbose or not workflow.is_main_process
CONSOLE = None if SILENT else console.speak(logger)
PLACES = Places(ROOT, HERE, own_config=HANDED or not IS_MODULE, handed=HANDED)


def load_configuration():
    """Configuration of every scale, by home; the registry of figures; what came with the command."""
    schemas = ROOT / "workflow/schemas"
    schema = read_yaml(schemas / "config.schema.yaml")
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
    registry = read_yaml(schemas / "figures.schema.yaml")
    return scales, configuration.load_figures(PLACES, registry, scales), came


try:
    PLACES.require_writable()
    SCALES, FIGURES, GIVEN = load_configuration()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# What Snakemake itself shows of the configuration.
if not IS_MODULE:
    config.update(SCALES[""])
    workflow.configfiles += map(str, PLACES.config_files())

TYPED_PATH = os.environ.get("PATH", "")  # as its user has it
# The jobs' `python` is the one that runs Snakemake, also on a cluster node and without activation.
os.environ.update(job_variables(ROOT, os.environ, Path(sys.executable)))
CALL = ["python", str(ROOT / "workflow/scripts/stage.py")]
os.environ.update(caches.cache_variables(os.environ, HERE / ".snakemake/cache"))

# What is computed must not depend on the machine, so machine settings travel in the environment.
os.environ.update(configuration.machine_variables(SCALES[""], GIVEN))

# A job ends with the Snakemake that started it. A child of Snakemake keeps the name of the first.
if not workflow.subprocess_exec:
    os.environ.update({PARENT_VARIABLE: parent_name(os.getpid())})

for variable, kept in KEPT_MEMORY.items():
    os.environ.setdefault(variable, kept)


# On this machine as many GPU jobs at a time as it has cards, whatever other resources a command or a profile lists;
# `--resources gpu=N` for fewer, or for several on each. Every job takes a card of its own (`flexnet.cards`). On a
# cluster the limit is local to each submission, so it does not hold back the queue.
resource_scopes:
    gpu="local",


def cards_here():
    """Names of the GPUs that jobs may choose from; none where the configuration names one, or the CPU."""
    return cards(os.environ) if SCALES[""]["device"] in ("auto", "cuda") else []


if workflow.is_main_process:
    CARDS = len(cards_here())
    if "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", max(1, CARDS))
    if CARDS:
        at_once = workflow.global_resources["gpu"]
        at_once = int(getattr(at_once, "value", at_once))
        os.environ[SHARE_VARIABLE] = str(jobs_per_card(at_once, CARDS))

PUBLISHED = {
    f"published/{name}/": folder
    for name, folder in PLACES.published(str(MODIFIER.modify_path("published"))).items()
}
STUDY = Study(
    SCALES, FIGURES, PUBLISHED, HERE, lambda path: str(MODIFIER.modify_path(path))
)
if CONSOLE is not None:
    CONSOLE.study, CONSOLE.plans = STUDY, lambda: workflow.dryrun
# What judges results and marks figures.
CLAIMS = drawing.claims_data(ROOT / "flexnet/claims")
SCHEMATICS = {name for name in FIGURES if STUDY.is_schematic(name)}


def any_of(names):
    """Regular expression for one of the names (which may be empty): a longer one before its beginnings."""
    return "(" + "|".join(map(re.escape, sorted(map(str, names), reverse=True))) + ")"


wildcard_constraints:
    home=any_of(SCALES),
    variant=any_of(STUDY.variants),
    protocol=any_of(STUDY.protocols),
    figure=any_of(FIGURES),
    family=any_of(jobs.asking_families()),
    source=any_of({name for scale in SCALES.values() for name in scale["sources"]}),
    dataset=any_of({name for scale in SCALES.values() for name in scale["datasets"]}),
    model=any_of({name for scale in SCALES.values() for name in scale["models"]}),
    split=any_of(jobs.all_splits(STUDY)),
    seed="[1-9][0-9]*",
    seeds="(all|seed[1-9][0-9]*)",


def signed(function):
    """A function whose parameters are found once: Snakemake asks for them at every call."""
    overwrite_function_params(function, signature(function).parameters)
    return function


# Of each resource of each job it asks this method, twice.
overwrite_function_params(
    Resource.evaluate, signature(Resource("", None).evaluate).parameters
)


def told(function, then=lambda found: found):
    """What a function of the study says, of the wildcards that its arguments are called after; what `then` makes of it."""
    names = list(signature(function).parameters)[1:]

    @signed
    def call(wildcards):
        try:
            return then(function(STUDY, *(getattr(wildcards, name) for name in names)))
        except ConfigError as error:
            raise WorkflowError(str(error)) from None

    return call


def job_files(wildcards, suffix="safetensors"):
    """Files of the splits of a job's dataset, by the name of the job's argument."""
    dataset = getattr(wildcards, "dataset", None) or jobs.dataset_of(
        STUDY, wildcards.home, wildcards.model
    )
    return jobs.arrays_of(STUDY, wildcards.home, dataset, suffix)


@signed
def manifests_of(wildcards):
    """What says which images a job's dataset has."""
    return job_files(wildcards, "json").values()


@signed
def training_images(wildcards):
    """Images that a job's dataset has for training, if any. Large files count by their date alone."""
    return ancient(job_files(wildcards).get("training", []))


@signed
def test_images(wildcards):
    """Images that a job's dataset has for tests."""
    return ancient(job_files(wildcards)["test"])


@signed
def chosen_images(wildcards):
    """Which images a network is trained with."""
    dataset = jobs.dataset_of(STUDY, wildcards.home, wildcards.model)
    return jobs.subset_of(wildcards.home, dataset, wildcards.seed)


def asked(suffix, mark=list):
    """Files of the trained networks that a job asks, marked."""

    @signed
    def files(wildcards):
        seeds = jobs.seeds_in(STUDY, wildcards.home, wildcards.model, wildcards.seeds)
        return mark(
            [
                jobs.weights_of(wildcards.home, wildcards.model, seed, suffix)
                for seed in seeds
            ]
        )

    return files


@signed
def asked_subset(wildcards):
    """The images of a job; those that are scored are the same for all seeds."""
    seed = jobs.seeds_in(STUDY, wildcards.home, wildcards.model, wildcards.seeds)[0]
    dataset = jobs.dataset_of(STUDY, wildcards.home, wildcards.model)
    return jobs.subset_of(wildcards.home, dataset, seed)


def declared(wildcards):
    """What the family of a job declares."""
    return jobs.family_of(wildcards.family)


@signed
def threads_of(wildcards):
    """CPU threads of a job."""
    return SCALES[wildcards.home]["threads"]


def growing(first, most=None):
    """A resource of which a job asks for the double and the triple in later attempts, lest they end as the first."""

    @signed
    def asked(wildcards, attempt):
        amount = min(attempt, 3) * (first(wildcards) if callable(first) else first)
        return amount if most is None else min(amount, most)

    return asked


def minutes(first):
    """Run time that a job asks for: more in later attempts, but never more than a queue takes."""
    return growing(first, SCALES[""].get("longest_job"))


@cache
def has_gpu():
    """Whether this machine shows a GPU, found without importing torch."""
    return shutil.which("nvidia-smi") is not None


def gpus():
    """GPUs of a job: one, unless it runs on the CPU. Cluster profiles set the device to cuda."""
    device = SCALES[""]["device"]
    return int(device.startswith("cuda") or (device == "auto" and has_gpu()))


def for_report():
    """Whether Snakemake only packs a report of what there is."""
    makes_report = any(word.startswith("--report") for word in sys.argv)
    return makes_report and workflow.execution_settings is None


def wanted(home, every_home=False):
    """What a named target stands for: everything of a scale; for a report, what there is of it."""
    if not for_report():
        return targets.everything(STUDY, home)
    return there([*SCALES, *PUBLISHED] if every_home else [home])


def wanted_published():
    """The same of everything that is published."""
    return there(PUBLISHED) if for_report() else targets.published_figures(STUDY)


def there(homes):
    """What there is of some scales."""
    try:
        return targets.made(STUDY, list(homes))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None
