// The potential of atomic multipoles, and Gaussian cube files of it. Atomic units throughout.
"use strict";

const mepflow = {};

/**
 * Return the potential (hartree/e) of a model's multipoles at a point [x, y, z] in bohr:
 * the sum over atoms of q/d + mu.r/d^3 + r.Theta'.r/(2 d^5). Each atom's multipoles lie on a sphere
 * of its radius (bohr) in `radii`, in which d in the denominators is that radius. With `shells`
 * their penetration N (1/d + 1/(2 width)) exp(-d/width) comes to it.
 */
mepflow.potential = (point, positions, model, radii, shells = null) => {
  let sum = 0;
  for (let atom = 0; atom < positions.length; atom += 1) {
    const r = positions[atom].map((value, axis) => point[axis] - value);
    const d = Math.max(Math.hypot(...r), radii[atom]);
    sum += model.charges[atom] / d;
    if (shells) {
      const width = shells.widths[atom];
      sum += shells.electrons[atom] * (1 / d + 0.5 / width) * Math.exp(-d / width);
    }
    if (model.dipoles) {
      const dipole = model.dipoles[atom];
      sum += (dipole[0] * r[0] + dipole[1] * r[1] + dipole[2] * r[2]) / d ** 3;
    }
    if (model.quadrupoles) {
      const along = model.quadrupoles[atom].map((row) => row[0] * r[0] + row[1] * r[1] + row[2] * r[2]);
      sum += (r[0] * along[0] + r[1] * along[1] + r[2] * along[2]) / (2 * d ** 5);
    }
  }
  return sum;
};

/** Return the text of a cube file of a model's potential around a molecule. */
mepflow.cube = (scene, model, settings) => {
  const { numbers, positions, core_radii: radii, shells } = scene.atoms;
  const step = settings.spacing_bohr;
  const axes = [0, 1, 2].map((axis) => {
    const along = positions.map((position) => position[axis]);
    const origin = Math.min(...along) - settings.margin_bohr;
    return { origin, count: Math.ceil((Math.max(...along) + settings.margin_bohr - origin) / step) + 1 };
  });
  const fixed = (value, width) => value.toFixed(6).padStart(width);
  const row = (first, values) => String(first).padStart(5) + values.map((value) => fixed(value, 12)).join("");
  const lines = [
    `Electrostatic potential (hartree/e) of ${scene.id}, model ${model.name}, seed ${model.seed}`,
    `Point multipoles${shells ? " and penetration" : ""} outside ${settings.core_scale} Bondi radii; lengths in bohr`,
    row(positions.length, axes.map((axis) => axis.origin)),
    ...axes.map((axis, k) => row(axis.count, [0, 1, 2].map((other) => (other === k ? step : 0)))),
    ...numbers.map((number, atom) => row(number, [number, ...positions[atom]])),
  ];
  const [x, y, z] = axes;
  for (let i = 0; i < x.count; i += 1) {
    for (let j = 0; j < y.count; j += 1) {
      let line = "";
      for (let k = 0; k < z.count; k += 1) {
        const point = [x.origin + i * step, y.origin + j * step, z.origin + k * step];
        const value = mepflow.potential(point, positions, model, radii, shells);
        line += exponential(value);
        if (k % 6 === 5 || k === z.count - 1) {
          lines.push(line);
          line = "";
        }
      }
    }
  }
  return `${lines.join("\n")}\n`;
};

/** Return a number as Fortran's E13.5 would write it: the exponent has two digits. */
function exponential(value) {
  const [mantissa, exponent] = value.toExponential(5).split("e");
  const power = Math.abs(Number(exponent)).toString().padStart(2, "0");
  return `${mantissa}E${exponent[0] === "-" ? "-" : "+"}${power}`.padStart(13);
}
