"""Taking elements by index. Negative indices count from the end; others out of range raise IndexError."""

from __future__ import annotations

import numpy as np

from .array import Array


def gather(data: Array, indices: Array, axis: Array, batch_dims: int) -> Array:
    """Slices of `data` along an axis; the first `batch_dims` dimensions of data and indices go together.

    data [B..., O..., n, I...], indices [B..., K...] -> [B..., O..., K..., I...]
    """
    along = range(data.ndim)[int(axis.item())]
    batch = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    shape = data.shape[:along] + indices.shape[batch:] + data.shape[along + 1 :]
    if batch == 0:
        return np.take(data, indices.reshape(-1), along).reshape(shape)
    rows = int(np.prod(data.shape[:batch], dtype=np.int64))
    moved = np.moveaxis(data.reshape((rows, *data.shape[batch:])), along - batch + 1, 1)
    picked = moved[np.arange(rows).reshape(-1, 1), indices.reshape(rows, -1)]  # [B, K, O..., I...]
    return np.moveaxis(picked, 1, along - batch + 1).reshape(shape)


def gather_elements(data: Array, indices: Array, axis: int) -> Array:
    """out[i][j][k] = data[indices[i][j][k]][j][k] for axis 0, and so on."""
    return np.take_along_axis(data, indices.astype(np.int64), axis)


def gather_nd(data: Array, indices: Array, batch_dims: int) -> Array:
    """Slices of `data` at coordinates, which are the last dimension of `indices`."""
    depth = indices.shape[-1]
    shape = indices.shape[:-1] + data.shape[batch_dims + depth :]
    rows = int(np.prod(data.shape[:batch_dims], dtype=np.int64))
    points = indices.reshape((rows, int(np.prod(indices.shape[batch_dims:-1], dtype=np.int64)), depth))
    coordinates = [np.arange(rows).reshape(-1, 1), *np.moveaxis(points, 2, 0)]
    picked: Array = data.reshape((rows, *data.shape[batch_dims:]))[tuple(coordinates)]
    return picked.reshape(shape)


def gather_tree(step_ids: Array, parents: Array, max_length: Array, end_token: Array) -> Array:
    """The sequences of a beam search, followed from their last steps back to the first.

    step_ids, parents [time, batch, beam]; max_length [batch]. Behind the first end token all is `end_token`.
    """
    out = np.full_like(step_ids, end_token.reshape(()))
    time, batches, beams = step_ids.shape
    batch = np.arange(batches).reshape(-1, 1)
    lengths = np.minimum(max_length.astype(np.int64), time).reshape(-1, 1)
    beam = np.broadcast_to(np.arange(beams), (batches, beams))
    for t in range(time - 1, -1, -1):
        alive = t < lengths
        out[t] = np.where(alive, step_ids[t][batch, beam], out[t])
        beam = np.where(alive, parents[t][batch, beam].astype(np.int64), beam)
    ended = np.cumsum(out == end_token.reshape(()), 0) > 0
    out[ended] = end_token.reshape(())
    return out
