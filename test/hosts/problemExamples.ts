/** A workflow file for each problem that one can have. */
import type { ProblemCode } from '../../src/workflow/problems';

export interface Example {
  readonly file: string;
  readonly text: string;
}

const whole = `# Workflow: Ship it

**Workflow ID:** \`ship-examples\`
**Status:** Wave 1/2
**Started:** 2026-11-20 09:00:00
**Updated:** 2026-11-20 10:00:00

---

**Progress:** \`██████████░░░░░░░░░░\` 50%

## ✅ Completed (1 tasks)

### Wave 1
- [x] **keel**: Lay the keel

## 📋 Pending (2 tasks)

### Wave 2
- [ ] **mast**: Step the mast
  - Depends: keel
- [ ] **sail**: Bend the sails

## Notes
`;

function but(before: string | RegExp, after: string): Example {
  const text = whole.replace(before, after);
  if (text === whole) throw new Error(`${String(before)} is not in the example`);
  return { file: 'STATE.md', text };
}

/** Some can only be on the disk: an editor shows no text of them, or refuses the file. */
export const broken: { readonly [Code in ProblemCode]: Example | 'not in an editor' } = {
  binary_file: 'not in an editor',
  conflict_markers: but('## Notes', '<<<<<<< ours\n=======\n>>>>>>> theirs\n\n## Notes'),
  count_mismatch: but('(2 tasks)', '(3 tasks)'),
  dependency_cycle: but(
    '- [ ] **sail**: Bend the sails',
    '- [ ] **sail**: Bend the sails\n  - Depends: sail',
  ),
  duplicate_field: but('**Started:**', '**Status:** Wave 1/2\n**Started:**'),
  duplicate_task: but('**sail**', '**mast**'),
  file_overlap: but(
    '  - Depends: keel\n- [ ] **sail**: Bend the sails',
    '  - Files: a.ts\n- [ ] **sail**: Bend the sails\n  - Files: a.ts',
  ),
  invalid_checkbox: but('- [ ] **sail**', '- [y] **sail**'),
  invalid_encoding: 'not in an editor',
  invalid_front_matter: {
    file: '.planning/phases/01-hull/01-01-PLAN.md',
    text: '---\nphase: 01-hull\nplan: 01\nwave: soon\ndepends_on: [\n---\n\n# Plan\n',
  },
  invalid_task_id: but('**sail**: Bend the sails', 'Bend the sails'),
  invalid_timestamp: but('2026-11-20 09:00:00', '2026-11-20T09:00'),
  later_dependency: but(
    '- [x] **keel**: Lay the keel',
    '- [x] **keel**: Lay the keel\n  - Depends: sail',
  ),
  missing_header: but('# Workflow: Ship it', '# Ship it'),
  missing_id: but('**Workflow ID:** `ship-examples`\n', ''),
  missing_plan: 'not in an editor',
  missing_sections: but(/## ✅[\s\S]*?(?=## Notes)/, ''),
  missing_started: but('**Started:** 2026-11-20 09:00:00\n', ''),
  missing_status: but('**Status:** Wave 1/2\n', ''),
  missing_updated: but('**Updated:** 2026-11-20 10:00:00\n', ''),
  outside_workspace: 'not in an editor',
  progress_mismatch: but('50%', '49%'),
  unclosed_comment: but('## Notes', '<!-- to do\n\n## Notes'),
  unclosed_fence: but('## Notes', '```\n\n## Notes'),
  unknown_checkbox: but('- [ ] **sail**', '- [-] **sail**'),
  unknown_dependency: but('Depends: keel', 'Depends: kiel'),
  unknown_format: { file: 'WAVES.md', text: '# Nothing that is a wave\n' },
  unreadable_file: 'not in an editor',
  wave_gap: but(/- \[x\] \*\*keel.*\n/, ''),
  wave_out_of_range: but('Wave 1/2', 'Wave 1/1'),
};
