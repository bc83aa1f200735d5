"""The artifact store on a real disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from webapp.jobs.store import ArtifactDamaged, Store, StoredArtifact


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts")


@pytest.fixture
def kept(store: Store) -> StoredArtifact:
    """A published artifact of two files."""
    staging = store.staging(7, 2)
    (staging / "rows.parquet").write_bytes(b"0123456789")
    (staging / "inner").mkdir()
    (staging / "inner" / "config.json").write_bytes(b"{}")
    return store.publish(staging, 7, 2)


def test_a_published_artifact_is_whole_and_its_staging_folder_gone(
    store: Store, kept: StoredArtifact
) -> None:
    assert (kept.path, kept.size_bytes) == ("7-2", 12)
    assert sorted(path.name for path in store.root.iterdir()) == ["7-2"]
    store.verify(kept.path, kept.manifest_sha256)


def _truncate(folder: Path) -> None:
    (folder / "rows.parquet").write_bytes(b"012345678")


def _alter(folder: Path) -> None:
    path = folder / "rows.parquet"
    times = path.stat()
    path.write_bytes(b"0123456780")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _delete(folder: Path) -> None:
    (folder / "inner" / "config.json").unlink()


def _forge(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("10", "11"))


def _lose(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


DAMAGES: dict[Callable[[Path], None], str] = {
    _truncate: r"rows\.parquet has 9 bytes instead of 10",
    _alter: r"rows\.parquet was altered",
    _delete: r"inner/config\.json is missing",
    _forge: r"manifest\.json was altered",
    _lose: "is missing",
}


@pytest.mark.parametrize("seen_before", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_named_also_after_a_good_look(
    store: Store, kept: StoredArtifact, damage: Callable[[Path], None], seen_before: bool
) -> None:
    if seen_before:
        store.verify(kept.path, kept.manifest_sha256)
    damage(store.folder(kept.path))
    with pytest.raises(ArtifactDamaged, match=DAMAGES[damage]):
        store.verify(kept.path, kept.manifest_sha256)


def test_an_empty_output_is_not_an_artifact(store: Store) -> None:
    with pytest.raises(ValueError, match="job 3 left no file"):
        store.publish(store.staging(3, 1), 3, 1)


def test_links_are_refused(store: Store) -> None:
    staging = store.staging(3, 1)
    (staging / "secret").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="secret is not a regular file"):
        store.publish(staging, 3, 1)


@pytest.mark.parametrize("path", ["../outside", "/etc", "", "7-2/../../x"])
def test_paths_out_of_the_store_are_refused(store: Store, path: str) -> None:
    with pytest.raises(ArtifactDamaged, match="not a folder of the artifact store"):
        store.folder(path)


def test_staging_starts_empty_and_removes_what_earlier_attempts_left(store: Store) -> None:
    other = store.staging(11, 1)
    first = store.staging(1, 1)
    (first / "half").write_bytes(b"x")
    assert list(store.staging(1, 1).iterdir()) == []
    store.staging(1, 2)
    assert (first.exists(), other.exists()) == (False, True)


def test_removing_twice_is_fine(store: Store, kept: StoredArtifact) -> None:
    store.verify(kept.path, kept.manifest_sha256)
    store.remove(kept.path)
    store.remove(kept.path)
    assert list(store.root.iterdir()) == []


def test_a_part_is_verified_without_the_rest(store: Store, kept: StoredArtifact) -> None:
    store.verify(kept.path, kept.manifest_sha256, "inner")
    _truncate(store.folder(kept.path))
    store.verify(kept.path, kept.manifest_sha256, "inner")
    (store.folder(kept.path) / "inner" / "config.json").write_bytes(b"[]")
    with pytest.raises(ArtifactDamaged, match=r"inner/config\.json was altered"):
        store.verify(kept.path, kept.manifest_sha256, "inner")
    with pytest.raises(FileNotFoundError, match="holds no inn"):
        store.verify(kept.path, kept.manifest_sha256, "inn")


def test_removing_an_artifact_forgets_its_parts_and_nobody_elses(
    store: Store, kept: StoredArtifact
) -> None:
    other = store.staging(7, 20)
    (other / "file").write_bytes(b"x")
    stays = store.publish(other, 7, 20)
    for one, part in ((kept, "inner"), (kept, ""), (stays, "")):
        store.verify(one.path, one.manifest_sha256, part)
    store.remove(kept.path)
    names = sorted(path.name for path in store.root.iterdir())
    assert names == [".verified-7-20.json", "7-20"]
