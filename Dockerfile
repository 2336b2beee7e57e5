# rainclean without the window, for servers and clusters. Build and run:
#   docker build -t rainclean .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" rainclean clean clip.mp4 -o out
# With SPANet (torch, some gigabytes): docker build --build-arg EXTRAS=spanet -t rainclean .
FROM python:3.11-slim-bookworm AS build

RUN pip install --no-cache-dir build
COPY . /source
RUN python -m build --wheel --outdir /wheels /source

FROM python:3.11-slim-bookworm

# OpenCV loads the OpenGL and GLib libraries, even where it opens no window.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

COPY requirements-headless.txt constraints.txt /tmp/
RUN pip install --no-cache-dir -r /tmp/requirements-headless.txt -c /tmp/constraints.txt

# The extra names the packages; --no-deps keeps the window out.
ARG EXTRAS=""
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl \
    && if [ "$EXTRAS" = spanet ]; then \
        pip install --no-cache-dir "lightning>=2.6.6" "safetensors>=0.5" "tensorboard>=2.19" "torch>=2.9" -c /tmp/constraints.txt; \
    fi

RUN useradd --create-home --uid 1000 rainclean && mkdir /work && chown rainclean /work
# Compiled kernels, cache and state; any --user can write there.
ENV HOME=/tmp/home NUMBA_CACHE_DIR=/tmp/numba PYTHONUNBUFFERED=1
# The kernels are compiled here: that takes half a minute of one core, and each container would do it again.
RUN mkdir -m 1777 /tmp/home && mkdir /tmp/numba && export HOME=/tmp/first \
    && picture="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sample_sequences/table/background.png" \
    && rainclean simulate "$picture" --frames 24 --size 160x120 --pan 12 -o /tmp/first/clip \
    && rainclean clean /tmp/first/clip/clip.mkv -o /tmp/first/out \
    && rm -r /tmp/first && chmod -R a+rwX /tmp/numba
USER rainclean
WORKDIR /work
ENTRYPOINT ["rainclean"]
CMD ["--help"]
