"""Which device the benchmarks run on."""

from __future__ import annotations

CHOICES = ("auto", "cpu", "gpu")


class NoGpuError(RuntimeError):
    """A GPU was asked for, and TensorFlow sees none."""


def choose(wanted: str) -> str:
    """
    Have TensorFlow use a device. It can be chosen before TensorFlow has computed anything.

    Parameters
    ----------
    wanted : {"auto", "cpu", "gpu"}
        ``"auto"`` takes a GPU if TensorFlow sees one.

    Returns
    -------
    chosen : {"cpu", "gpu"}

    Raises
    ------
    NoGpuError
        If a GPU is wanted and there is none.
    """
    # Who only asks which choices there are need not wait for TensorFlow.
    from nengo_layers_plus._upstream import tf

    gpus = [] if wanted == "cpu" else tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        built = tf.sysconfig.get_build_info()
        cuda = f"CUDA {built['cuda_version']}" if built.get("is_cuda_build") else "no CUDA"
        raise NoGpuError(
            f"--device gpu: TensorFlow {tf.__version__}, which is built with {cuda}, sees no GPU. "
            'What to do: look at what nvidia-smi says, install ".[gpu]", and run '
            "`python -m nengo_layers_plus doctor`; or take --device cpu"
        )
    # Without memory growth a process takes all memory of a GPU: processes of a group could not
    # follow one another soon, and peaks would show nothing. It has to be the same on all GPUs.
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        # It rounds products of float32 to ten bits, differently at each size: spikes of two members
        # would be other ones from the first steps on.
        tf.config.experimental.enable_tensor_float_32_execution(False)
    else:
        tf.config.set_visible_devices([], "GPU")
    return "gpu" if gpus else "cpu"
