// The potential on molecular surfaces: reference, model and difference.
"use strict";

mepflow.viewer = (() => {
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const controls = Object.fromEntries(
    ["molecule", "model", "show", "opacity", "reset", "cube"].map((id) => [id, document.getElementById(id)]),
  );
  const stage = document.getElementById("stage");
  const status = document.getElementById("viewer-status");
  const narrow = matchMedia("(max-width: 48rem)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const unit = "kcal/mol/e";
  const BARS_HEIGHT = 66; // pixels below the scenes, for the colour bars
  const LIFT = 0.15; // of dots above the surface, in angstrom
  const TRACES = 3; // of each scene: structure, surface, extrema
  let camera = null; // of all scenes; null: the molecule's first view
  let following = false;
  let drawn; // the promise of the last drawing
  let wanted = "all"; // what to show where there is room

  const scene = () => data.scenes[Number(controls.molecule.value)];
  const model = () => scene().models[Number(controls.model.value)];
  const literal = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

  function unpack(text, Type) {
    return new Type(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }

  // Numbers of a scene are unpacked when it is first shown.
  function unpacked(one) {
    if (!one.arrays) {
      const { vertices, triangles, nearest_atoms: nearest, reference } = one.surface;
      const symbols = one.atoms.symbols.map((symbol, atom) => `${literal(symbol)}${atom + 1}`);
      one.arrays = {
        vertices: unpack(vertices, Float32Array).map((value) => value * data.bohr_in_angstrom),
        triangles: unpack(triangles, Uint32Array),
        nearest: Array.from(unpack(nearest, Uint32Array), (atom) => symbols[atom]),
        reference: unpack(reference, Float32Array),
        models: one.models.map((each) => unpack(each.mep, Float32Array)),
        structure: structure(one),
      };
    }
    return one.arrays;
  }

  function every(values, first, step) {
    const out = new Array(Math.ceil((values.length - first) / step));
    for (let k = 0; k < out.length; k += 1) out[k] = values[first + k * step];
    return out;
  }

  /** Return balls and sticks as one mesh: corners [x, y, z], triangles, and a colour per corner. */
  function structure(one) {
    const mesh = { corners: [], triangles: [], colours: [], names: [] };
    const places = one.atoms.positions.map((p) => p.map((value) => value * data.bohr_in_angstrom));
    const colour = (atom) => data.element_colours[one.atoms.symbols[atom]] || data.element_colours.other;
    places.forEach((place, atom) => {
      const radius = one.atoms.numbers[atom] === 1 ? 0.2 : 0.32;
      addTube(mesh, ball(place, radius), colour(atom), `${one.atoms.symbols[atom]}${atom + 1}`);
    });
    for (const [i, j] of one.bonds) {
      const middle = places[i].map((value, axis) => (value + places[j][axis]) / 2);
      addTube(mesh, stick(places[i], middle), colour(i), "");
      addTube(mesh, stick(middle, places[j]), colour(j), "");
    }
    return mesh;
  }

  const SIDES = 16;

  function ball([x, y, z], radius) {
    return Array.from({ length: 11 }, (_, ring) => {
      const polar = (Math.PI * ring) / 10;
      return Array.from({ length: SIDES }, (__, side) => {
        const turn = (2 * Math.PI * side) / SIDES;
        const out = radius * Math.sin(polar);
        return [x + out * Math.cos(turn), y + out * Math.sin(turn), z + radius * Math.cos(polar)];
      });
    });
  }

  function stick(from, to) {
    const along = to.map((value, axis) => value - from[axis]);
    const length = Math.hypot(...along);
    const helper = Math.abs(along[2]) < 0.9 * length ? [0, 0, 1] : [1, 0, 0];
    const u = scaled(cross(along, helper), 0.1);
    const v = scaled(cross(along, u), 0.1);
    return [from, to].map((end) =>
      Array.from({ length: SIDES }, (_, side) => {
        const turn = (2 * Math.PI * side) / SIDES;
        return end.map((value, axis) => value + Math.cos(turn) * u[axis] + Math.sin(turn) * v[axis]);
      }),
    );
  }

  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const scaled = (a, length) => a.map((value) => (length * value) / Math.hypot(...a));

  function addTube(mesh, rings, colour, name) {
    const first = mesh.corners.length;
    for (const corner of rings.flat()) {
      mesh.corners.push(corner);
      mesh.colours.push(colour);
      mesh.names.push(name);
    }
    for (let ring = 0; ring + 1 < rings.length; ring += 1) {
      for (let side = 0; side < SIDES; side += 1) {
        const [a, b] = [ring, ring + 1].map((k) => first + k * SIDES + side);
        const [c, d] = [ring, ring + 1].map((k) => first + k * SIDES + ((side + 1) % SIDES));
        mesh.triangles.push([a, b, c], [b, d, c]);
      }
    }
  }

  function values(kind) {
    const { reference, models } = unpacked(scene());
    const predicted = models[Number(controls.model.value)];
    if (kind === "reference") return reference;
    return kind === "model" ? predicted : predicted.map((value, k) => value - reference[k]);
  }

  function titleOf(kind) {
    const name = literal(model().name);
    return { reference: "reference", model: name, difference: `${name} − reference` }[kind];
  }

  function shownKinds() {
    return controls.show.value === "all" ? ["reference", "model", "difference"] : [controls.show.value];
  }

  /** Return the corners of the triangles, the far ones first: see-through ones must be drawn so. */
  function corners() {
    const { vertices, triangles } = unpacked(scene());
    const order = Array.from({ length: triangles.length / 3 }, (_, triangle) => triangle);
    if (Number(controls.opacity.value) < 1) {
      const { x, y, z } = camera?.eye ?? firstEye();
      const heights = Float64Array.from({ length: vertices.length / 3 }, (_, k) => {
        return x * vertices[3 * k] + y * vertices[3 * k + 1] + z * vertices[3 * k + 2];
      });
      const height = order.map((t) => every(triangles.subarray(3 * t, 3 * t + 3), 0, 1).reduce((sum, k) => sum + heights[k], 0));
      order.sort((one, other) => height[one] - height[other]);
    }
    const [i, j, k] = [0, 1, 2].map((corner) => order.map((triangle) => triangles[3 * triangle + corner]));
    return { i, j, k };
  }

  /** Return reference, model and difference at every vertex. */
  function readings() {
    const { reference, models } = unpacked(scene());
    const predicted = models[Number(controls.model.value)];
    return Array.from(reference, (value, k) => [value, predicted[k], predicted[k] - value]);
  }

  function surfaceTrace(kind, sceneName) {
    const { vertices, nearest } = unpacked(scene());
    return {
      type: "mesh3d",
      scene: sceneName,
      ...{ x: every(vertices, 0, 3), y: every(vertices, 1, 3), z: every(vertices, 2, 3) },
      ...corners(),
      intensity: Array.from(values(kind)),
      coloraxis: kind === "difference" ? "coloraxis2" : "coloraxis",
      opacity: Number(controls.opacity.value),
      flatshading: false,
      lighting: { ambient: 0.85, diffuse: 0.25, specular: 0.06, roughness: 0.7, fresnel: 0.05 },
      text: nearest,
      customdata: readings(),
      hovertemplate:
        `reference %{customdata[0]:.1f} ${unit}<br>${titleOf("model")} %{customdata[1]:.1f}` +
        "<br>difference %{customdata[2]:+.1f}<br>nearest atom %{text}<extra></extra>",
    };
  }

  function structureTrace(sceneName) {
    const { corners, triangles, colours, names } = unpacked(scene()).structure;
    const [x, y, z] = [0, 1, 2].map((axis) => corners.map((corner) => corner[axis]));
    const [i, j, k] = [0, 1, 2].map((corner) => triangles.map((triangle) => triangle[corner]));
    return {
      type: "mesh3d",
      scene: sceneName,
      ...{ x, y, z, i, j, k },
      vertexcolor: colours,
      flatshading: false,
      lighting: { ambient: 0.6, diffuse: 0.6, specular: 0.2, roughness: 0.5, fresnel: 0.05 },
      text: names,
      hoverinfo: "text",
    };
  }

  /** Return the local maxima of what a scene shows as diamonds, the minima as dots, with values to point at. */
  function extremaTrace(kind, sceneName) {
    const { vertices } = unpacked(scene());
    const chosen = { reference: scene().surface.extrema, model: model().extrema, difference: [] }[kind];
    const shown = values(kind);
    const [x, y, z] = [0, 1, 2].map((axis) => chosen.map((vertex) => lifted(vertices, vertex)[axis]));
    return {
      type: "scatter3d",
      scene: sceneName,
      ...{ x, y, z },
      mode: "markers",
      marker: {
        symbol: chosen.map((vertex) => (shown[vertex] < 0 ? "circle" : "diamond")),
        ...{ size: 3, color: "#000", line: { color: "#fff", width: 1 } },
      },
      text: chosen.map((vertex) => shown[vertex].toFixed(1).replace("-", "\u2212")),
      hovertemplate: `local extremum %{text} ${unit}<extra></extra>`,
    };
  }

  /** Return the place of a vertex, a little above the surface. */
  function lifted(vertices, vertex) {
    const place = every(vertices.subarray(3 * vertex, 3 * vertex + 3), 0, 1);
    const out = LIFT / Math.hypot(...place.map((value, axis) => value - centre()[axis]));
    return place.map((value, axis) => value + out * (value - centre()[axis]));
  }

  function centre() {
    const places = scene().atoms.positions;
    return [0, 1, 2].map((axis) => (data.bohr_in_angstrom * places.reduce((sum, p) => sum + p[axis], 0)) / places.length);
  }

  function colourAxis(kind, limit, centre, length) {
    return {
      cmin: -limit,
      cmax: limit,
      colorscale: data.colours,
      colorbar: {
        orientation: "h",
        ...{ x: centre, xanchor: "center", y: 0, yanchor: "top", len: length, thickness: 14 },
        title: { text: `${kind} (${unit})`, side: "bottom", font: { size: 13 } },
        outlinewidth: 0,
        nticks: 5,
      },
    };
  }

  /** Return the place of the eye at first: far enough for a panel that is higher than wide. */
  function firstEye() {
    const aspect = stage.clientWidth / shownKinds().length / (stage.clientHeight - BARS_HEIGHT);
    const distance = 1.5 * Math.max(1, 1.3 / aspect);
    const [x, y, z] = scene().view.eye.map((value) => distance * value);
    return { x, y, z };
  }

  function sceneLayout(from, to) {
    const { up } = scene().view;
    const hidden = { visible: false, showspikes: false };
    return {
      domain: { x: [from, to], y: [0, 1] },
      ...{ xaxis: hidden, yaxis: hidden, zaxis: hidden },
      aspectmode: "data",
      dragmode: "orbit",
      camera: camera ?? {
        eye: firstEye(),
        up: { x: up[0], y: up[1], z: up[2] },
        center: { x: 0, y: 0, z: 0 },
      },
    };
  }

  const sceneName = (index) => (index === 0 ? "scene" : `scene${index + 1}`);

  function layout(kinds) {
    const width = 1 / kinds.length;
    const { potential, difference } = scene().limits;
    const text = getComputedStyle(document.body).color;
    const isSingle = kinds.length === 1;
    const single = Math.min(0.7, 420 / stage.clientWidth);
    const result = {
      margin: { l: 4, r: 4, t: 4, b: BARS_HEIGHT },
      paper_bgcolor: "rgba(0,0,0,0)",
      font: { color: text, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { font: { size: 14 } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: text, activecolor: text },
      showlegend: false,
      annotations: kinds.map((kind, index) => ({
        text: `<b>${titleOf(kind)}</b>`,
        ...{ x: (index + 0.5) * width, xanchor: "center", y: 1, yanchor: "top" },
        ...{ xref: "paper", yref: "paper", showarrow: false, font: { size: 15 } },
      })),
    };
    if (kinds.some((kind) => kind !== "difference")) {
      result.coloraxis = colourAxis("MEP", potential, isSingle ? 0.5 : width, isSingle ? single : 0.5);
    }
    if (kinds.includes("difference")) {
      result.coloraxis2 = colourAxis("difference", difference, 1 - width / 2, isSingle ? single : 0.8 * width);
    }
    kinds.forEach((_, index) => {
      result[sceneName(index)] = sceneLayout(index * width, (index + 1) * width);
    });
    return result;
  }

  function describe() {
    const { name, seed, rmse, largest, grid_rmse: onGrid } = model();
    const numbers = `RMSE ${rmse.toFixed(2)} on this surface, largest difference ${largest.toFixed(2)}`;
    const grid = onGrid === null ? "" : `, RMSE ${onGrid.toFixed(2)} on the grid of the tables`;
    status.textContent = `${scene().label}: ${name}, seed ${seed}, against the reference: ${numbers}${grid} (${unit}).`;
  }

  function draw() {
    const kinds = shownKinds();
    const traces = kinds.flatMap((kind, index) => [
      structureTrace(sceneName(index)),
      surfaceTrace(kind, sceneName(index)),
      extremaTrace(kind, sceneName(index)),
    ]);
    const name = `${scene().id}-${controls.show.value}`.replace(/[^\w.-]/g, "_");
    describe();
    drawn = Plotly.react(stage, traces, layout(kinds), {
      responsive: true,
      displaylogo: false,
      displayModeBar: true,
      scrollZoom: true,
      modeBarButtons: [["toImage"]],
      toImageButtonOptions: { filename: name, scale: 2 },
    });
    return drawn;
  }

  /** Turn the other scenes as the one that is being turned. */
  async function follow(change) {
    const turned = Object.keys(change).find((key) => /^scene\d*\.camera$/.test(key));
    if (following || !turned) return;
    camera = change[turned];
    const others = shownKinds()
      .map((_, index) => `${sceneName(index)}.camera`)
      .filter((key) => key !== turned);
    if (!others.length) return;
    following = true;
    try {
      await Plotly.relayout(stage, Object.fromEntries(others.map((key) => [key, structuredClone(camera)])));
    } finally {
      following = false;
    }
  }

  async function settle(change) {
    if (following) return;
    await follow(change);
    if (Number(controls.opacity.value) === 1) return;
    const { i, j, k } = corners();
    const surfaces = shownKinds().map((_, index) => TRACES * index + 1);
    const update = Object.entries({ i, j, k }).map(([name, each]) => [name, surfaces.map(() => each)]);
    await Plotly.restyle(stage, Object.fromEntries(update), surfaces);
  }

  function firstView() {
    camera = null;
    return draw();
  }

  function offerModels() {
    const before = controls.model.selectedOptions[0]?.textContent;
    const names = scene().models.map((each) => each.name);
    const candidates = [before, ...(data.preferred[scene().dataset] ?? [])];
    const selected = candidates.find((name) => names.includes(name));
    controls.model.replaceChildren(
      ...names.map((name, index) => {
        const option = new Option(name, String(index));
        option.selected = name === selected;
        return option;
      }),
    );
  }

  function adaptToWidth() {
    const all = controls.show.querySelector("option[value=all]");
    all.disabled = narrow.matches;
    all.hidden = narrow.matches;
    controls.show.value = narrow.matches && wanted === "all" ? "reference" : wanted;
  }

  /** Go to the next or previous molecule with an arrow key, unless a control or a tab has it. */
  function stepOn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("input, select, button, .scroll") || !isInView()) return;
    const next = controls.molecule.selectedIndex + step;
    if (next < 0 || next >= data.scenes.length) return;
    controls.molecule.selectedIndex = next;
    offerModels();
    firstView();
  }

  function isInView() {
    const { top, bottom } = stage.getBoundingClientRect();
    return top < innerHeight && bottom > 0;
  }

  function downloadCube() {
    const text = mepflow.cube(scene(), model(), data.cube);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = `${scene().id}-${model().name}.cube`.replace(/[^\w.-]/g, "_");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function hasWebGL() {
    const context = document.createElement("canvas").getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context !== null;
  }

  async function start() {
    if (!hasWebGL()) {
      status.textContent = "This browser cannot draw in 3D (WebGL is off): the figures below show the potential.";
      stage.hidden = true;
      return;
    }
    adaptToWidth();
    offerModels();
    await draw();
    stage.on("plotly_relayouting", follow);
    stage.on("plotly_relayout", settle);
    controls.molecule.addEventListener("change", () => {
      offerModels();
      firstView();
    });
    controls.model.addEventListener("change", draw);
    controls.show.addEventListener("change", () => {
      wanted = controls.show.value;
      draw();
    });
    document.addEventListener("keydown", stepOn);
    controls.opacity.addEventListener("change", draw);
    controls.reset.addEventListener("click", firstView);
    controls.cube.addEventListener("click", downloadCube);
    narrow.addEventListener("change", () => {
      adaptToWidth();
      draw();
    });
    dark.addEventListener("change", draw);
  }

  const started = start();
  return { data, started, drawn: () => drawn };
})();
