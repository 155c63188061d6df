import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'

export default [
  { ignores: ['dist/', 'gen/', 'node_modules/', '.tap/'] },
  ...neostandard({ ts: true }),
  {
    files: ['agent/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  },
  {
    files: ['**/*.ts'],
    rules: {
      'max-len': ['error', { code: 160 }],
      // A promise that is let go on purpose says so.
      'no-void': 'off',
      // Names of generated code: Message_Enum.
      camelcase: ['error', { properties: 'never', allow: ['^[A-Z][A-Za-z]+_[A-Z][A-Za-z]+$'] }],
      // The compiler knows better.
      'no-unused-vars': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
      'no-undef': 'off',
      'no-redeclare': 'off',
      '@stylistic/max-statements-per-line': 'off'
    }
  },
  // Tests hold messages and expectations in a line each.
  { files: ['test/**/*.ts'], rules: { 'max-len': ['error', { code: 200 }] } }
]
