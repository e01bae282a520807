"""Which experiment runs."""

from __future__ import annotations

from contender.domain.assignment import Variant
from contender.domain.lifecycle import ExperimentRecord, experiment_id
from contender.domain.release import NO_RELEASE, Release
from contender.experiment_ports import Experiments
from contender.ports import ObjectStore, Parameter
from contender.usecases.predict import iso_utc
from contender.usecases.released import read_release


def experiment_in_force(
    pointer: Parameter | None, artifacts: ObjectStore, experiments: Experiments
) -> tuple[ExperimentRecord, Release] | None:
    """Finds the experiment of the release in force.

    Args:
        pointer: The release parameter; ``None`` where there is none.
        artifacts: The artifact bucket.
        experiments: The experiments.

    Returns:
        Its record, of revision 0 while nobody has looked at it yet, and the release; ``None`` where no
        release or none with a challenger is in force.

    Raises:
        BadInput: When the release cannot be read.
        StoreUnavailable: When a service does not answer.
    """
    if pointer is None or pointer.value.strip() == NO_RELEASE:
        return None
    release = read_release(artifacts, pointer.value.strip())
    if Variant.B not in release.variants:
        return None
    started_at = iso_utc(pointer.modified)
    name = experiment_id(started_at, release.digest)
    fresh = ExperimentRecord(
        experiment_id=name,
        release=release.digest,
        champion_version=release.variants[Variant.A].model_version,
        challenger_version=release.variants[Variant.B].model_version,
        started_at=started_at,
    )
    return experiments.get(name) or fresh, release
